//! JSON read without making anything of it. Stricter than any parser: what is unusual ends it, and is then read the
//! long way.

/// Nothing in a pod is as deep, and parsers take more.
const DEEPEST: u8 = 100;
/// So many digits always fit.
const DIGITS: usize = 18;

#[derive(Debug)]
pub struct Skim<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Skim<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The members of an object, one by one; each call has to read the value. Gives the object as it is written.
    pub fn object(&mut self, mut each: impl FnMut(&'a str, &mut Self) -> Option<()>) -> Option<&'a str> {
        self.space();
        let start = self.at;
        self.expect(b'{')?;
        if !self.has(b'}') {
            loop {
                let key = self.string()?;
                self.expect(b':')?;
                each(key, self)?;
                if self.has(b'}') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.text.get(start..self.at)
    }

    /// A text that is written as it is.
    pub fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let escaped = self.rest_of_string()?;
        if escaped { None } else { self.text.get(start..self.at - 1) }
    }

    /// A whole value, as it is written.
    pub fn value(&mut self) -> Option<&'a str> {
        self.space();
        let start = self.at;
        self.pass(0)?;
        self.text.get(start..self.at)
    }

    /// The items of a list, one by one; each call has to read the value.
    pub fn list(&mut self, each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.space();
        if self.peek() == Some(b'[') { self.items(b']', each) } else { None }
    }

    /// The first byte of what comes.
    pub fn begins(&mut self) -> Option<u8> {
        self.space();
        self.peek()
    }

    /// Whether nothing follows.
    pub fn ends(&mut self) -> Option<()> {
        self.space();
        (self.at == self.text.len()).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn has(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.has(byte).then_some(())
    }

    fn pass(&mut self, depth: u8) -> Option<()> {
        self.space();
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.rest_of_string().map(drop)
            }
            b'{' if depth < DEEPEST => self.items(b'}', |skim| {
                skim.expect(b'"')?;
                skim.rest_of_string()?;
                skim.expect(b':')?;
                skim.pass(depth + 1)
            }),
            b'[' if depth < DEEPEST => self.items(b']', |skim| skim.pass(depth + 1)),
            b'-' | b'0'..=b'9' => self.integer(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => None,
        }
    }

    fn items(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.has(end) {
            return Some(());
        }
        loop {
            item(self)?;
            if self.has(end) {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// After its quote, and past the other one; says whether anything in it is escaped.
    fn rest_of_string(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            let rest = bytes.get(self.at..)?;
            self.at += rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'))? + 1;
            match bytes.get(self.at - 1)? {
                b'"' => return Some(escaped),
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                    match bytes.get(self.at - 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => self.code()?,
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }

    /// Halves of a pair are left to who knows them.
    fn code(&mut self) -> Option<()> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let half =
            digits.starts_with(['d', 'D']) && !digits[1..].starts_with(|digit| ('0'..='7').contains(&digit));
        (all && !half).then_some(())
    }

    fn integer(&mut self) -> Option<()> {
        self.at += usize::from(self.peek() == Some(b'-'));
        let rest = self.text.as_bytes().get(self.at..)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        let leading = digits > 1 && rest.first() == Some(&b'0');
        let more = matches!(rest.get(digits), Some(b'.' | b'e' | b'E'));
        (digits > 0 && digits <= DIGITS && !leading && !more).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word.as_bytes()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn whole(text: &str) -> Option<&str> {
        let mut skim = Skim::new(text);
        let value = skim.value()?;
        skim.ends().map(|()| value)
    }

    #[test]
    fn what_is_unusual_ends_it() {
        for yes in ["{}", "[]", " {\"a\" : [1, -2, 0, true, null, \"\\n\\u00e9\"]}\n", "\"é\""] {
            assert_eq!(whole(yes), Some(yes.trim()), "{yes}");
        }
        for no in [
            "",
            "{",
            "[1,]",
            "{,}",
            "01",
            "-",
            "1.0",
            "1e3",
            "nul",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"a",
            "{} {}",
            "{\"a\"}",
            "{\"a\":}",
            "[1 2]",
            "{a: 1}",
            "\"\\u12",
            "9999999999999999999",
        ] {
            assert_eq!(whole(no), None, "{no}");
        }
        assert_eq!(whole(&"[".repeat(200)), None);
        let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
        assert_eq!(whole(&deep), None);
    }

    #[test]
    fn items_are_handed_on() {
        let mut found = Vec::new();
        let mut skim = Skim::new(" [1, {\"a\": []}, \"b\" ] ");
        let read = skim.list(|skim| {
            found.push(skim.value()?);
            Some(())
        });
        assert_eq!((read, found, skim.ends()), (Some(()), vec!["1", "{\"a\": []}", "\"b\""], Some(())));
        assert_eq!(Skim::new("{}").list(|_| Some(())), None);
    }

    #[test]
    fn members_are_handed_on() {
        let mut found = Vec::new();
        let text = "{\"a\": {\"b\": [1]}, \"c\":\"d\"}";
        let read = Skim::new(text).object(|key, skim| {
            found.push((key, skim.value()?));
            Some(())
        });
        assert_eq!((read, found), (Some(text), vec![("a", "{\"b\": [1]}"), ("c", "\"d\"")]));
        assert_eq!(Skim::new("{\"\\u0061\": 1}").object(|_, skim| skim.value().map(drop)), None);
    }

    proptest! {
        #[test]
        fn what_it_takes_every_parser_takes(
            bits in prop::collection::vec(prop::sample::select(&[
                "{", "}", "[", "]", ":", ",", "\"", "\"a\"", "\\", "\\u", "d83d", "00e9", "1", "-", "0", ".", "e", "true",
                "null", " ", "\n", "\t", "\u{7}", "é", "x", "/", "\"k\":",
            ][..]), 0..14),
        ) {
            let text = bits.concat();
            if whole(&text).is_some() {
                prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
            }
        }
    }
}
