"""Reads messages with Python's own mail parser, as a second opinion on what Renkei writes.

Standard input: a JSON array of base64 messages. Standard output: a JSON array of what each says.
"""
import base64
import email
import email.header
import email.policy
import email.utils
import json
import sys


def addresses(classic, name):
    # Before 3.12.9 the modern policy puts a blank between the encoded words of a display name (RFC 2047 section 6.2 has
    # none), so names are read by the classic half of the library.
    value = "".join(classic.get(name, "").splitlines())
    pairs = email.utils.getaddresses([value]) if value else []
    return [[str(email.header.make_header(email.header.decode_header(n))), a] for n, a in pairs]


def read(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    classic = email.message_from_bytes(raw, policy=email.policy.compat32)
    body = message if not message.is_multipart() else next(message.iter_parts())
    attachments = []
    defects = [type(d).__name__ for part in message.walk() for d in part.defects]
    for name in message.keys():
        defects += [type(d).__name__ for value in message.get_all(name) for d in value.defects]
    if message.is_multipart():
        for part in list(message.iter_parts())[1:]:
            attachments.append({
                "name": part.get_filename(),
                "plainName": part["Content-Type"].params.get("name"),
                "type": part.get_content_type(),
                "content": base64.b64encode(part.get_payload(decode=True)).decode(),
            })
    return {
        "headers": [[n, str(v)] for n, v in message.items()],
        "subject": str(message["Subject"]),
        "from": addresses(classic, "From"),
        "to": addresses(classic, "To"),
        "cc": addresses(classic, "Cc"),
        "replyTo": addresses(classic, "Reply-To"),
        "date": message["Date"].datetime.isoformat() if message["Date"].datetime else None,
        "text": body.get_payload(decode=True).decode(body.get_content_charset()),
        "charset": body.get_content_charset(),
        "encoding": str(body["Content-Transfer-Encoding"]),
        "attachments": attachments,
        "defects": defects,
    }


json.dump([read(base64.b64decode(m)) for m in json.load(sys.stdin)], sys.stdout)
