//! Each way in which cosign signs.

use crate::scene::{Scene, signed};
use anyhow::{Context, Result, ensure};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use serde_json::{Value, json};
use snc_core::image::Digest;
use snc_e2e::cosign::{FORMS, Form};
use snc_e2e::registry::MANIFEST;
use snc_images::signature::referrers_tag;
use snc_registry::{Refused, Verdict};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STRANGER: Verdict = Verdict::BadSignature { why: Refused::NoKeyMatches };

fn expect(found: &Verdict, expected: &Verdict, what: &str) -> Result<()> {
    ensure!(found == expected, "{what}: {found:?} instead of {expected:?}");
    Ok(())
}

fn expect_by(found: &Verdict, key: &str, digest: &Digest, what: &str) -> Result<()> {
    ensure!(signed(found) == Some((key, digest)), "{what}: {found:?} instead of {key}");
    Ok(())
}

pub fn by_each_key(scene: &Scene) -> Result<()> {
    let (a, b) = (("a", &scene.a), ("b", &scene.b));
    for form in FORMS {
        let repository = &format!("keys/{form:?}").to_lowercase();
        let image = scene.registry.image(repository, "v1")?;
        expect(&scene.verdict(&[a, b], repository, &image)?, &Verdict::NotSigned, "before")?;
        ensure!(!scene.accepts(&scene.a, form, repository, &image), "cosign takes what is not signed");
        scene.sign(&scene.a, form, repository, &image)?;
        expect_by(&scene.verdict(&[a], repository, &image)?, "a", &image, "its key")?;
        expect_by(&scene.verdict(&[b, a], repository, &image)?, "a", &image, "one of two keys")?;
        expect(&scene.verdict(&[b], repository, &image)?, &STRANGER, "another key")?;
        ensure!(scene.accepts(&scene.a, form, repository, &image), "cosign refuses its own");
        ensure!(!scene.accepts(&scene.b, form, repository, &image), "cosign takes another key's");
        scene.sign(&scene.b, form, repository, &image)?;
        expect_by(&scene.verdict(&[b], repository, &image)?, "b", &image, "the second signature")?;
        expect_by(&scene.verdict(&[a], repository, &image)?, "a", &image, "the first still")?;
        let other = scene.registry.image(repository, "v2")?;
        expect(&scene.verdict(&[a, b], repository, &other)?, &Verdict::NotSigned, "another image")?;
    }
    Ok(())
}

pub fn other_curves(scene: &Scene) -> Result<()> {
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?.serialize_pem();
    let p384 = scene.cosign.import("p384", &p384)?;
    let edwards = KeyPair::generate_for(&PKCS_ED25519)?.serialize_pem();
    let edwards = scene.cosign.import("edwards", &edwards)?;
    for form in FORMS {
        let repository = &format!("curves/{form:?}").to_lowercase();
        let image = scene.registry.image(repository, "v1")?;
        scene.sign(&edwards, form, repository, &image)?;
        let prehashed = Verdict::BadSignature { why: Refused::MaybePrehashed };
        expect(&scene.verdict(&[("e", &edwards)], repository, &image)?, &prehashed, "Ed25519ph")?;
        scene.sign(&p384, form, repository, &image)?;
        expect_by(&scene.verdict(&[("p", &p384)], repository, &image)?, "p", &image, "P-384")?;
    }
    let image = scene.registry.image("curves/blob", "v1")?;
    attach(
        scene,
        "curves/blob",
        &image,
        &scene.cosign.sign_blob(&edwards, &manifest(scene, "curves/blob", &image)?)?,
    )?;
    expect_by(&scene.verdict(&[("e", &edwards)], "curves/blob", &image)?, "e", &image, "Ed25519 of a blob")
}

pub fn attestation(scene: &Scene) -> Result<()> {
    let keys = [("a", &scene.a)];
    let image = scene.registry.image("attested", "v1")?;
    let long = json!({ "filler": "x".repeat(300 << 10) }).to_string();
    for predicate in [r#"{"scanned":true}"#, &long] {
        scene.cosign.attest(&scene.registry, &scene.a, "attested", &image, predicate)?;
        expect(&scene.verdict(&keys, "attested", &image)?, &Verdict::NotSigned, "attested only")?;
    }
    scene.sign(&scene.a, Form::Bundle, "attested", &image)?;
    expect_by(&scene.verdict(&keys, "attested", &image)?, "a", &image, "attested and signed")
}

fn manifest(scene: &Scene, repository: &str, image: &Digest) -> Result<Vec<u8>> {
    Ok(scene.registry.get(&format!("/v2/{repository}/manifests/{image}"))?.body)
}

/// Puts a bundle beside an image, as tools do that attach files.
fn attach(scene: &Scene, repository: &str, image: &Digest, bundle: &[u8]) -> Result<()> {
    let registry = &scene.registry;
    let (empty, layer) = (registry.blob(repository, b"{}")?, registry.blob(repository, bundle)?);
    let size = manifest(scene, repository, image)?.len();
    let referrer = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2 },
        "layers": [{ "mediaType": BUNDLE, "digest": layer, "size": bundle.len() }],
        "subject": { "mediaType": MANIFEST, "digest": image, "size": size },
    });
    let length = referrer.to_string().len();
    let digest = registry.manifest(repository, None, MANIFEST, &referrer)?;
    let entry = json!({ "mediaType": MANIFEST, "artifactType": BUNDLE, "digest": digest, "size": length });
    let tag = referrers_tag(image);
    let found = registry.get(&format!("/v2/{repository}/manifests/{tag}"))?;
    let mut index: Value = if found.status == 200 {
        serde_json::from_slice(&found.body)?
    } else {
        json!({ "schemaVersion": 2, "mediaType": snc_e2e::registry::INDEX, "manifests": [] })
    };
    index["manifests"].as_array_mut().context("a list")?.push(entry);
    registry.manifest(repository, Some(&tag), snc_e2e::registry::INDEX, &index)?;
    Ok(())
}

pub fn blob(scene: &Scene) -> Result<()> {
    let keys = [("a", &scene.a)];
    let image = scene.registry.image("blob", "v1")?;
    let other = scene.registry.image("blob", "v2")?;
    let bundle = scene.cosign.sign_blob(&scene.a, &manifest(scene, "blob", &image)?)?;
    attach(scene, "blob", &other, &bundle)?;
    expect(&scene.verdict(&keys, "blob", &other)?, &STRANGER, "the bundle of another")?;
    attach(scene, "blob", &image, &bundle)?;
    expect_by(&scene.verdict(&keys, "blob", &image)?, "a", &image, "its own bundle")
}

pub fn index(scene: &Scene) -> Result<()> {
    let keys = [("a", &scene.a)];
    for form in FORMS {
        let repository = &format!("index/{form:?}").to_lowercase();
        let child = scene.registry.image(repository, "amd64")?;
        let other = scene.registry.image(repository, "arm64")?;
        let index = scene.registry.index(repository, "v1", &[&child, &other])?;
        scene.sign(&scene.a, form, repository, &child)?;
        expect_by(&scene.verdict(&keys, repository, &child)?, "a", &child, "the image")?;
        expect(&scene.verdict(&keys, repository, &index)?, &Verdict::NotSigned, "the index around it")?;
        scene.sign(&scene.a, form, repository, &index)?;
        expect_by(&scene.verdict(&keys, repository, &index)?, "a", &index, "the index")?;
        expect(&scene.verdict(&keys, repository, &other)?, &Verdict::NotSigned, "an image in it")?;
        scene.cosign.sign_with(&scene.registry, &scene.a, form, repository, &index, &["--recursive"])?;
        expect_by(&scene.verdict(&keys, repository, &other)?, "a", &other, "an image, recursively")?;
    }
    Ok(())
}
