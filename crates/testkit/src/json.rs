//! JSON as the tests want it: any order of keys, compact or pretty, numbers as given.

use crate::{KeyOrder, Rng};

/// A value to be written.
pub(crate) enum Json {
    /// Written as it is.
    Raw(String),
    /// A string.
    Text(String),
    /// A list of numbers, already joined by commas.
    Numbers(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn raw(value: impl ToString) -> Self {
        Self::Raw(value.to_string())
    }

    pub(crate) fn object<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The JSON text, with the keys of each object in the order asked for.
    pub(crate) fn render(mut self, order: KeyOrder, pretty: bool) -> Vec<u8> {
        match order {
            KeyOrder::Vendor => {}
            KeyOrder::Reversed => self.reorder(&mut |entries| entries.reverse()),
            KeyOrder::Shuffled(seed) => {
                let mut rng = Rng::new(seed);
                self.reorder(&mut |entries| rng.shuffle(entries));
            }
        }
        let mut out = Vec::new();
        self.write(&mut out, pretty.then_some(0));
        out
    }

    /// The JSON text without a blank, keys in the order given.
    pub(crate) fn compact(self) -> Vec<u8> {
        self.render(KeyOrder::Vendor, false)
    }

    /// The JSON text, indented, keys in the order given.
    pub(crate) fn pretty(self) -> Vec<u8> {
        self.render(KeyOrder::Vendor, true)
    }

    fn reorder(&mut self, with: &mut impl FnMut(&mut [(String, Self)])) {
        match self {
            Self::Object(entries) => {
                with(entries);
                entries.iter_mut().for_each(|(_, value)| value.reorder(with));
            }
            Self::List(values) => values.iter_mut().for_each(|value| value.reorder(with)),
            Self::Raw(_) | Self::Text(_) | Self::Numbers(_) => {}
        }
    }

    fn write(&self, out: &mut Vec<u8>, depth: Option<usize>) {
        let inner = depth.map(|depth| depth + 1);
        let line = |out: &mut Vec<u8>, depth: Option<usize>| {
            if let Some(depth) = depth {
                out.push(b'\n');
                out.extend(std::iter::repeat_n(b' ', 2 * depth));
            }
        };
        match self {
            Self::Raw(text) => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) => write_string(out, text),
            Self::Numbers(text) if text.is_empty() || depth.is_none() => {
                out.push(b'[');
                out.extend_from_slice(text.as_bytes());
                out.push(b']');
            }
            Self::Numbers(text) => {
                out.push(b'[');
                for (index, number) in text.split(',').enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    line(out, inner);
                    out.extend_from_slice(number.as_bytes());
                }
                line(out, depth);
                out.push(b']');
            }
            Self::List(values) => {
                out.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    line(out, inner);
                    value.write(out, inner);
                }
                line(out, depth);
                out.push(b']');
            }
            Self::Object(entries) if entries.is_empty() => out.extend_from_slice(b"{}"),
            Self::Object(entries) => {
                out.push(b'{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    line(out, inner);
                    write_string(out, key);
                    out.extend_from_slice(if depth.is_some() { b": " } else { b":" });
                    value.write(out, inner);
                }
                line(out, depth);
                out.push(b'}');
            }
        }
    }
}

/// Writes a JSON string with its quotes.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text.as_bytes());
    out.push(b'"');
}

/// Writes UTF-8 as the inside of a JSON string. `<` becomes `\u003C`, as in a page, where a string
/// must not end the script element it stands in.
pub(crate) fn escape(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + text.len() / 8);
    let mut plain = 0;
    for (at, byte) in text.iter().enumerate() {
        let code = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            b'<' => "\\u003C",
            0..0x20 => "\\u001F",
            _ => continue,
        };
        out.extend_from_slice(&text[plain..at]);
        out.extend_from_slice(code.as_bytes());
        plain = at + 1;
    }
    out.extend_from_slice(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Json {
        Json::object([
            ("a", Json::Numbers("1,2.5,null".to_owned())),
            ("b", Json::List(vec![Json::text("<\"\\\n>"), Json::raw(3), Json::object([])])),
            ("c", Json::Numbers(String::new())),
        ])
    }

    #[test]
    fn every_order_and_style_reads_the_same() {
        let orders = [KeyOrder::Vendor, KeyOrder::Reversed, KeyOrder::Shuffled(3)];
        let read = |order, pretty| {
            let text = sample().render(order, pretty);
            serde_json::from_slice::<serde_json::Value>(&text).unwrap()
        };
        let expected = serde_json::json!({"a": [1, 2.5, null], "b": ["<\"\\\n>", 3, {}], "c": []});
        for order in orders {
            assert_eq!(read(order, false), expected);
            assert_eq!(read(order, true), expected);
        }
        let reversed = sample().render(KeyOrder::Reversed, false);
        assert!(reversed.starts_with(b"{\"c\""));
    }
}
