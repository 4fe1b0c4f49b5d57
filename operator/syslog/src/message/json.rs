//! What is sent in place of a text that is too long: JSON that says so, and begins as the text did.

use super::Message;
use serde_json::json;

/// Of at most `room` bytes.
pub(super) fn beginning(message: &Message, room: usize) -> String {
    let names = &message.names;
    let mut text = json!({"truncated": true, "bytes": message.body.len(), "partition": names.partition,
        "seq": names.seq, "hash": names.hash})
    .to_string();
    if text.len() > room {
        // Names longer than any of ours are; the structured data has them, marked.
        text = json!({"truncated": true, "bytes": message.body.len()}).to_string();
    }
    text.pop();
    text.push_str(",\"start\":\"");
    let end = "\"}";
    for c in message.body.chars() {
        let before = text.len();
        escape(c, &mut text);
        if text.len() + end.len() > room {
            text.truncate(before);
            break;
        }
    }
    text.push_str(end);
    text
}

fn escape(c: char, text: &mut String) {
    match c {
        '"' | '\\' => text.extend(['\\', c]),
        '\n' => text.push_str("\\n"),
        c if u32::from(c) < 0x20 => {
            text.push_str("\\u00");
            let code = u32::from(c);
            text.extend([code >> 4, code & 15].into_iter().filter_map(|digit| char::from_digit(digit, 16)));
        }
        c => text.push(c),
    }
}
