//! The walk through one registry: the image, what cosign put under its tag, what refers to the image.

use crate::client::{Client, Found, Session};
use crate::origin::{escape, next_page};
use http::uri::PathAndQuery;
use jiff::Timestamp;
use snc_core::image::Digest;
use snc_images::signature::{
    self, Blob, Detached, Judged, Keys, Listed, Subject, Tally, Unknown, Verdict, limits,
};
use std::time::Duration;

const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BLOB: &str = "application/octet-stream";
/// Of one list. Registries put a hundred or more on a page.
const PAGES: usize = 8;

pub(crate) struct Lookup<'a> {
    pub(crate) client: &'a Client,
    pub(crate) keys: &'a Keys,
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a Digest,
    /// For one answer of the registry.
    pub(crate) within: Duration,
}

impl Lookup<'_> {
    pub(crate) async fn verdict(&self, at: Timestamp) -> Verdict {
        match self.walk().await {
            Ok(tally) => tally.conclude(self.digest, at),
            Err(why) => Verdict::Unknown { why },
        }
    }

    async fn walk(&self) -> Result<Tally, Unknown> {
        let mut session = self.client.session(self.repository, self.within);
        let manifest = self.manifest(&mut session, self.digest.as_str()).await?.ok_or(Unknown::NoImage)?;
        let subject = Subject::read(self.digest, manifest.body)?;
        let mut tally = Tally::default();
        if let Err(why) = self.tagged(&mut session, &subject, &mut tally).await {
            tally.unread(why);
        }
        if !tally.verified()
            && let Err(why) = self.referring(&mut session, &subject, &mut tally).await
        {
            tally.unread(why);
        }
        Ok(tally)
    }

    async fn tagged(
        &self,
        session: &mut Session<'_>,
        subject: &Subject,
        tally: &mut Tally,
    ) -> Result<(), Unknown> {
        let Some(tag) = signature::signature_tag(subject.digest()) else { return Ok(()) };
        let Some(manifest) = self.manifest(session, &tag).await? else { return Ok(()) };
        let listed = signature::detached_in(&manifest.body)?;
        for Detached { payload, signature } in &listed.all {
            match self.blob(session, payload, limits::PAYLOAD).await {
                Ok(payload) => tally.add(signature::simple(subject, self.keys, &payload, signature)),
                Err(why) => tally.unread(why),
            }
            if tally.verified() {
                return Ok(());
            }
        }
        if listed.truncated { Err(Unknown::TooMany) } else { Ok(()) }
    }

    async fn referring(
        &self,
        session: &mut Session<'_>,
        subject: &Subject,
        tally: &mut Tally,
    ) -> Result<(), Unknown> {
        let listed = self.referrers(session, subject.digest()).await?;
        for digest in &listed.all {
            match self.referrer(session, subject, digest).await {
                Ok(judged) => tally.add(judged),
                Err(why) => tally.unread(why),
            }
            if tally.verified() {
                return Ok(());
            }
        }
        if listed.truncated { Err(Unknown::TooMany) } else { Ok(()) }
    }

    async fn referrer(
        &self,
        session: &mut Session<'_>,
        subject: &Subject,
        digest: &Digest,
    ) -> Result<Judged, Unknown> {
        let manifest = self.manifest(session, digest.as_str()).await?.ok_or(Unknown::Status(404))?;
        let manifest = Blob::read(digest, manifest.body)?;
        let Some(place) = signature::bundle_in(&manifest, subject)? else { return Ok(Judged::NotASignature) };
        let bundle = self.blob(session, &place, limits::BUNDLE).await?;
        Ok(signature::bundle(subject, self.keys, &bundle))
    }

    async fn referrers(&self, session: &mut Session<'_>, digest: &Digest) -> Result<Listed<Digest>, Unknown> {
        let path = format!("referrers/{digest}?artifactType={}", escape(signature::BUNDLE_TYPE));
        let mut next = Some(self.path(&path)?);
        let (mut pages, mut room) = (Vec::new(), limits::LIST);
        while let Some(path) = next.take_if(|_| pages.len() < PAGES) {
            match session.get(path.clone(), INDEX, room).await? {
                Some(Found { body, link }) => {
                    room = room.saturating_sub(body.len());
                    pages.push(body);
                    next = match link.as_ref().map(|link| link.to_str()) {
                        Some(link) => {
                            let link = link.map_err(|_| Unknown::Malformed)?;
                            next_page(self.client.origin(), &path, link)?
                        }
                        None => None,
                    };
                }
                // A registry that cannot list them has the list under a tag, if there is any.
                None if pages.is_empty() => {
                    let tag = signature::referrers_tag(digest);
                    let found = self.manifest(session, &tag).await?;
                    // `cosign copy` puts the image itself there.
                    pages.extend(found.map(|found| found.body).filter(|body| !is(body, digest)));
                    break;
                }
                None => return Err(Unknown::Malformed),
            }
        }
        let mut listed = signature::referrers_in(pages.iter().map(Vec::as_slice))?;
        listed.truncated |= next.is_some();
        Ok(listed)
    }

    async fn manifest(&self, session: &mut Session<'_>, name: &str) -> Result<Option<Found>, Unknown> {
        session.get(self.path(&format!("manifests/{name}"))?, MANIFESTS, limits::MANIFEST).await
    }

    async fn blob(&self, session: &mut Session<'_>, digest: &Digest, most: usize) -> Result<Blob, Unknown> {
        let path = self.path(&format!("blobs/{digest}"))?;
        let found = session.get(path, BLOB, most).await?.ok_or(Unknown::Status(404))?;
        Blob::read(digest, found.body)
    }

    fn path(&self, rest: &str) -> Result<PathAndQuery, Unknown> {
        format!("/v2/{}/{rest}", self.repository).parse().map_err(|_| Unknown::Malformed)
    }
}

fn is(bytes: &[u8], digest: &Digest) -> bool {
    signature::computed(digest.algorithm(), bytes).as_ref() == Some(digest)
}
