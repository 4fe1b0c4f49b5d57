//! What a bucket keeps of objects that were deleted or written over. Where it locks them, a deletion only hides: what
//! was put there first is what counts.

use std::collections::BTreeMap;

/// One page of the answer to `GET bucket?versions`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) versions: Vec<Version>,
    /// Where the next page begins: a key, and a version of it.
    pub(super) next: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) key: String,
    pub(super) id: String,
    /// RFC 3339 of one length: texts in the order of times.
    pub(super) modified: String,
}

/// None, if it is not such an answer.
pub(super) fn page(body: &str) -> Option<Page> {
    let (_, inner) = body.split_once("<ListVersionsResult")?;
    let inner = inner.split_once("</ListVersionsResult>")?.0;
    // Those that hide others are in elements of another name.
    let versions = inner.split("<Version>").skip(1).map(|rest| {
        let version = rest.split_once("</Version>")?.0;
        let (key, id) = (element(version, "Key")?, element(version, "VersionId")?);
        Some(Version { key, id, modified: element(version, "LastModified")? })
    });
    let versions = versions.collect::<Option<Vec<_>>>()?;
    let next = if element(inner, "IsTruncated").as_deref() == Some("true") {
        let id = element(inner, "NextVersionIdMarker").unwrap_or_default();
        Some((element(inner, "NextKeyMarker")?, id))
    } else {
        None
    };
    Some(Page { versions, next })
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let text = rest.split_once(&format!("</{name}>"))?.0;
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(plain.replace("&#39;", "'").replace("&amp;", "&"))
}

/// Of each key, the version that was there first. Servers name the newest first; where two are of one moment, that
/// decides.
#[derive(Debug, Default)]
pub(super) struct First(BTreeMap<String, Version>);

impl First {
    pub(super) fn take_in(&mut self, versions: Vec<Version>) {
        for version in versions {
            let known = self.0.get(&version.key);
            if known.is_none_or(|known| version.modified <= known.modified) {
                self.0.insert(version.key.clone(), version);
            }
        }
    }

    pub(super) fn into_versions(self) -> impl Iterator<Item = Version> {
        self.0.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn version(key: &str, id: &str, modified: &str) -> String {
        format!(
            "<Version><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>true</IsLatest>\
             <LastModified>{modified}</LastModified><ETag>&quot;x&quot;</ETag></Version>"
        )
    }

    fn answer(inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><ListVersionsResult xmlns=\"http://s3.amazonaws.com/\">{inner}</ListVersionsResult>"
        )
    }

    #[test]
    fn what_was_there_first_is_found_behind_what_hides_it() {
        let hidden = "<DeleteMarker><Key>heads/1</Key><VersionId>d</VersionId>\
            <LastModified>2026-11-23T10:00:09.000Z</LastModified></DeleteMarker>";
        let body = answer(
            &[
                "<IsTruncated>false</IsTruncated>",
                hidden,
                &version("heads/1", "c", "2026-11-23T10:00:02.000Z"),
                &version("heads/1", "b", "2026-11-23T10:00:01.000Z"),
                &version("heads/1", "a", "2026-11-23T10:00:01.000Z"),
                &version("a&amp;b/2", "null", "2026-11-23T10:00:00.000Z"),
            ]
            .concat(),
        );
        let mut first = First::default();
        let page = page(&body).unwrap();
        assert_eq!(page.next, None);
        first.take_in(page.versions);
        let found: Vec<_> = first.into_versions().map(|version| (version.key, version.id)).collect();
        assert_eq!(found, [("a&b/2".to_owned(), "null".to_owned()), ("heads/1".to_owned(), "a".to_owned())]);
    }

    #[rstest]
    #[case("", None)]
    #[case("<Error><Code>AccessDenied</Code></Error>", None)]
    #[case("<ListVersionsResult></ListVersionsResult>", Some(""))]
    #[case("<ListVersionsResult><Version><Key>a</Key></Version></ListVersionsResult>", None)]
    #[case("<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>", None)]
    #[case(
        "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>\
         <NextVersionIdMarker>v</NextVersionIdMarker></ListVersionsResult>",
        Some("k v")
    )]
    fn pages_are_read_whole_or_not(#[case] body: &str, #[case] expected: Option<&str>) {
        let next = page(body).map(|page| page.next.map_or(String::new(), |(key, id)| format!("{key} {id}")));
        assert_eq!(next.as_deref(), expected);
    }
}
