//! Which keys sign what a registry holds, as the platform writes it in a baseline: one line for each key.

use super::key::{Key, Keys, framed};
use snc_core::image::{Reference, is_place};
use snc_core::text::Refusal;

/// `registry.example/folder release MFkwEwYH…`: a place, a name for the key, and the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// `host[:port][/folder]`
    pub place: String,
    pub key: String,
    pub pem: String,
}

impl Trusted {
    /// The key as in its PEM file, with or without the lines around it. What is refused is not quoted beyond the place:
    /// it may be a private key.
    pub fn read(path: &str, line: &str) -> Result<Self, Refusal> {
        let mut words = line.split_whitespace();
        let place = words.next().unwrap_or_default().trim_end_matches('/');
        if !is_place(place) {
            return Err(Refusal::new(
                path,
                snc_core::text::clip(place, 60),
                "« endroit nom clé », l'endroit étant hôte[:port][/dossier] en minuscules, sans https:// ni étiquette",
                "\"place name key\", the place being host[:port][/folder] in lower case, without https:// or a tag",
            ));
        }
        let (Some(key), false) = (words.next(), words.clone().next().is_none()) else {
            return Err(Refusal::new(
                path,
                place,
                "« endroit nom clé » : un nom, puis la clé publique en base64, comme entre les lignes de son fichier PEM",
                "\"place name key\": a name, then the public key in base64, as between the lines of its PEM file",
            ));
        };
        let pem = framed(&words.collect::<Vec<_>>().join(" "));
        Key::read(path, key, &pem)?;
        Ok(Self { place: place.to_owned(), key: key.to_owned(), pem })
    }
}

/// All that is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust(Vec<Trusted>);

impl Trust {
    /// What cannot be read is left out: it was refused where it was written.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self(lines.into_iter().filter_map(|line| Trusted::read("", line).ok()).collect())
    }

    /// As [`Trust::of`], of what somebody writes: what is wrong is named.
    pub fn read(path: &str, lines: &[&str]) -> Result<Self, Refusal> {
        let read = |(i, line): (usize, &&str)| Trusted::read(&format!("{path}[{i}]"), line);
        let all = Self(lines.iter().enumerate().map(read).collect::<Result<_, _>>()?);
        for (place, keys) in all.places() {
            let keys = keys.iter().map(|(name, pem)| (name.as_str(), pem.as_str()));
            Keys::read(&format!("{path} ({place})"), keys)?;
        }
        Ok(all)
    }

    /// Whether anybody is to sign what is there.
    pub fn covers(&self, image: &Reference) -> bool {
        self.0.iter().any(|trusted| image.is_within(&trusted.place))
    }

    /// Each place once, with its keys.
    pub fn places(&self) -> Vec<(&str, Vec<(String, String)>)> {
        let mut places: Vec<(&str, Vec<(String, String)>)> = Vec::new();
        for Trusted { place, key, pem } in &self.0 {
            let own = (key.clone(), pem.clone());
            match places.iter_mut().find(|(held, _)| held == place) {
                Some((_, keys)) => keys.push(own),
                None => places.push((place, vec![own])),
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
    const END: &str = "-----END PUBLIC KEY-----";
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqiPQmLvZxnWgylpisljdbd68E25gWPAJFfp5iXlS25Pt2b7bSnv+OqKDfCZVv/H344FbxDzBT53D8wZvQGnHgw==";

    #[rstest]
    #[case(format!("r.example:5000/shop release {KEY}"))]
    #[case(format!("r.example:5000/shop/ release\n{BEGIN}\n{}\n{}\n{END}\n", &KEY[..64], &KEY[64..]))]
    fn a_line_is_a_place_a_name_and_a_key_with_or_without_its_frame(#[case] line: String) {
        let read = Trusted::read("p", &line).unwrap();
        assert_eq!((read.place.as_str(), read.key.as_str()), ("r.example:5000/shop", "release"));
        assert_eq!(read.pem, format!("{BEGIN}\n{KEY}\n{END}\n"));
    }

    #[rstest]
    #[case("")]
    #[case("r.example")]
    #[case("r.example release")]
    #[case("r.example release AAAA")]
    #[case(&format!("https://r.example release {KEY}"))]
    #[case(&format!("r.example/app:1 release {KEY}"))]
    #[case(&format!("shop release {KEY}"))]
    #[case(&format!("r.example rel/ease {KEY}"))]
    #[case(&format!("r.example release {KEY} {KEY}"))]
    #[case("r.example release -----BEGIN PRIVATE KEY----- c2VjcmV0 -----END PRIVATE KEY-----")]
    fn anything_else_is_refused_and_no_key_is_quoted(#[case] line: &str) {
        let refusal = Trusted::read("p", line).unwrap_err();
        assert!(!format!("{refusal:?}").contains("c2VjcmV0"), "{refusal:?}");
    }

    #[test]
    fn a_place_has_each_name_once_and_no_more_keys_than_are_tried() {
        let twice = format!("r.example a {KEY}");
        let refusal = Trust::read("p", &[&twice, &twice]).unwrap_err();
        assert!(refusal.path.starts_with("p (r.example)"), "{refusal:?}");
        let many: Vec<String> = (0..17).map(|i| format!("r.example k{i} {KEY}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(Trust::read("p", &many).is_err());
        assert_eq!(Trust::read("p", &["nonsense"]).unwrap_err().path, "p[0]");
        assert!(Trust::read("p", &[&twice, &format!("s.example a {KEY}")]).is_ok());
    }

    #[test]
    fn a_place_holds_all_its_keys_and_nothing_beside_it() {
        let lines = [
            format!("r.example/shop a {KEY}"),
            format!("r.example/shop b {KEY}"),
            format!("s.example c {KEY}"),
        ];
        let trust = Trust::of(lines.iter().map(String::as_str));
        let names: Vec<(&str, usize)> =
            trust.places().into_iter().map(|(place, keys)| (place, keys.len())).collect();
        assert_eq!(names, [("r.example/shop", 2), ("s.example", 1)]);
        let covers = |image: &str| trust.covers(&Reference::parse(image).unwrap());
        assert!(covers("r.example/shop/app") && covers("s.example/x:1"));
        assert!(!covers("r.example/shopping/app") && !covers("app"));
    }
}
