//! What an honest registry would serve.

use super::server::{Asked, Reply};
use super::signed::Signer;
use serde_json::{Value, json};
use snc_core::image::Digest;
use snc_images::signature::{computed, referrers_tag, signature_tag};
use std::collections::BTreeMap;

pub(super) const REPOSITORY: &str = "shop/app";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

#[derive(Default, Clone)]
pub(super) struct Store {
    pub(super) pages: BTreeMap<String, Vec<u8>>,
}

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    computed("sha256", bytes).unwrap()
}

pub(super) fn path(rest: &str) -> String {
    format!("/v2/{REPOSITORY}/{rest}")
}

impl Store {
    pub(super) fn manifest(&mut self, manifest: &Value) -> Digest {
        let bytes = manifest.to_string().into_bytes();
        let digest = sha256(&bytes);
        self.pages.insert(path(&format!("manifests/{digest}")), bytes);
        digest
    }

    pub(super) fn image(&mut self, name: &str) -> Digest {
        self.manifest(&json!({ "schemaVersion": 2, "layers": [], "annotations": { "name": name } }))
    }

    pub(super) fn index(&mut self, children: &[&Digest]) -> Digest {
        let children: Vec<Value> = children.iter().map(|digest| json!({ "digest": digest })).collect();
        self.manifest(&json!({ "schemaVersion": 2, "manifests": children }))
    }

    fn blob(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = sha256(&bytes);
        self.pages.insert(path(&format!("blobs/{digest}")), bytes);
        digest
    }

    /// Under cosign's tag, after those that are there.
    pub(super) fn sign_simple(&mut self, image: &Digest, (payload, signature): (Vec<u8>, String)) {
        let digest = self.blob(payload);
        let tag = path(&format!("manifests/{}", signature_tag(image).unwrap()));
        let mut manifest: Value = match self.pages.get(&tag) {
            Some(bytes) => serde_json::from_slice(bytes).unwrap(),
            None => json!({ "schemaVersion": 2, "layers": [] }),
        };
        manifest["layers"].as_array_mut().unwrap().push(json!({
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "digest": digest,
            "annotations": { "dev.cosignproject.cosign/signature": signature },
        }));
        self.pages.insert(tag, manifest.to_string().into_bytes());
    }

    /// The list of what refers to an image, as the registry has it: by its own page, or under a tag.
    pub(super) fn list(image: &Digest, by_page: bool) -> String {
        if by_page {
            path(&format!("referrers/{image}"))
        } else {
            path(&format!("manifests/{}", referrers_tag(image)))
        }
    }

    pub(super) fn sign_bundle(&mut self, image: &Digest, bundle: Vec<u8>, by_page: bool) {
        let bundle = self.blob(bundle);
        let referrer = self.manifest(&json!({
            "schemaVersion": 2,
            "artifactType": BUNDLE,
            "layers": [{ "mediaType": BUNDLE, "digest": bundle }],
            "subject": { "mediaType": "m", "digest": image },
        }));
        let list = Self::list(image, by_page);
        let mut index: Value = match self.pages.get(&list) {
            Some(bytes) => serde_json::from_slice(bytes).unwrap(),
            None => json!({ "schemaVersion": 2, "manifests": [] }),
        };
        let entry = json!({ "mediaType": "m", "digest": referrer, "artifactType": BUNDLE });
        index["manifests"].as_array_mut().unwrap().push(entry);
        self.pages.insert(list, index.to_string().into_bytes());
    }

    pub(super) fn reply(&self, asked: &Asked) -> Reply {
        match self.pages.get(asked.without_query()) {
            Some(body) => Reply::ok(body.clone()),
            None => Reply::status(404),
        }
    }
}

/// A store with one image, signed in one of the forms.
pub(super) fn signed(signer: &Signer, form: Form) -> (Store, Digest) {
    let mut store = Store::default();
    let image = store.image("app");
    form.sign(&mut store, &image, signer);
    (store, image)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Simple,
    BundleByPage,
    BundleByTag,
}

pub(super) const FORMS: [Form; 3] = [Form::Simple, Form::BundleByPage, Form::BundleByTag];

impl Form {
    pub(super) fn sign(self, store: &mut Store, image: &Digest, signer: &Signer) {
        self.sign_as(store, image, signer, image);
    }

    /// A signature of `named`, put where those of `image` are.
    pub(super) fn sign_as(self, store: &mut Store, image: &Digest, signer: &Signer, named: &Digest) {
        match self {
            Self::Simple => store.sign_simple(image, signer.simple(named)),
            Self::BundleByPage => store.sign_bundle(image, signer.bundle(named), true),
            Self::BundleByTag => store.sign_bundle(image, signer.bundle(named), false),
        }
    }
}
