using Renkei.Node.Commands;

return await Cli.RunAsync(args);
