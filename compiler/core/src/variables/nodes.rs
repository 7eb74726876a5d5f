//! What references become: nodes at the reference's place.

use crate::span::Span;
use crate::syntax::{Entry, Node, Value};

pub(super) fn scalar(text: &str, span: Span) -> Node {
    // A word from outside is text, but `true` from the environment is as good as written.
    Node {
        span,
        value: Value::Scalar {
            text: text.to_owned(),
            plain: !text.is_empty(),
        },
    }
}

pub(super) fn open(span: Span, text: &str) -> Node {
    Node {
        span,
        value: Value::Open(text.to_owned()),
    }
}

/// The same value, at the reference's place.
pub(super) fn at(node: Node, span: Span) -> Node {
    let value = match node.value {
        Value::Sequence(items) => {
            Value::Sequence(items.into_iter().map(|item| at(item, span)).collect())
        }
        Value::Mapping(entries) => Value::Mapping(
            entries
                .into_iter()
                .map(|mut entry| {
                    entry.key.span = span;
                    Entry {
                        key: entry.key,
                        value: at(entry.value, span),
                    }
                })
                .collect(),
        ),
        other => other,
    };
    Node { span, value }
}
