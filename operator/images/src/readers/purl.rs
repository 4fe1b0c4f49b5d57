//! Package addresses.

use super::wire::digest_of;
use snc_core::image::Digest;

/// Name and version of a package.
pub type Package = (String, String);

/// The digest that an address of an image has in the place of a version.
pub fn digest(text: &str) -> Option<Digest> {
    let version = text.strip_prefix("pkg:oci/")?.split(['?', '#']).next()?.rsplit_once('@')?.1;
    digest_of(&unescaped(version))
}

/// `pkg:type/namespace/name@version?qualifiers`; anything else is a name. A distribution's name is none of the package's,
/// and an image is no package: what is said of it is said of all that it holds.
pub fn package(text: &str) -> Package {
    let Some(rest) = text.strip_prefix("pkg:") else { return (text.to_owned(), String::new()) };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (kind, rest) = rest.split_once('/').unwrap_or(("", rest));
    let (name, version) = rest.rsplit_once('@').unwrap_or((rest, ""));
    let name = match kind {
        "oci" | "docker" => return Package::default(),
        "deb" | "apk" | "rpm" | "alpm" => name.rsplit_once('/').map_or(name, |(_, name)| name),
        _ => name,
    };
    (unescaped(name), unescaped(version))
}

/// Percent signs of package addresses.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.get(..2)).flatten();
        let value = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(value.unwrap_or(byte));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
