//! Images and signatures in places other than where they were made.

use crate::scene::{Scene, Watch, signed};
use anyhow::{Result, ensure};
use serde_json::Value;
use snc_core::image::Digest;
use snc_e2e::cosign::{FORMS, Form};
use snc_e2e::registry::{INDEX, MANIFEST};
use snc_images::signature::{referrers_tag, signature_tag};
use snc_registry::{Refused, Verdict};

pub fn moved_tag(scene: &Scene) -> Result<()> {
    for form in FORMS {
        let repository = &format!("moved/{form:?}").to_lowercase();
        let image = scene.registry.image(repository, "v1")?;
        scene.sign(&scene.a, form, repository, &image)?;
        let declared = Scene::declared(&scene.registry, &[("a", &scene.a)])?;
        let verifier = Scene::verifier(declared, Watch::new())?;
        let named =
            |tag: &str, digest: &str| format!("{}/{repository}{tag}@{digest}", scene.registry.address());
        let before = scene.ask(&verifier, &named(":v1", image.as_str()))?;
        ensure!(signed(&before) == Some(("a", &image)), "{before:?}");

        let other = scene.registry.image(repository, "v2")?;
        let found = scene.registry.get(&format!("/v2/{repository}/manifests/{other}"))?;
        let manifest: Value = serde_json::from_slice(&found.body)?;
        let moved = scene.registry.manifest(repository, Some("v1"), MANIFEST, &manifest)?;
        ensure!(moved == other, "{moved} is where the tag points now");
        ensure!(scene.ask(&verifier, &named(":v1", image.as_str()))? == before);
        let evil = scene.ask(&verifier, &named(":v1", other.as_str()))?;
        ensure!(evil == Verdict::NotSigned, "{evil:?}");
        ensure!(scene.ask(&verifier, &named(":v1", "")).is_err() && scene.ask(&verifier, "x:v1").is_err());
    }
    Ok(())
}

/// What an air-gapped platform does: it takes images over with their signatures, and gives them other names.
pub fn mirror(scene: &Scene) -> Result<()> {
    for form in FORMS {
        let from = &format!("origin/{form:?}").to_lowercase();
        let to = &format!("mirror/{form:?}").to_lowercase();
        let image = scene.registry.image(from, "v1")?;
        scene.sign(&scene.a, form, from, &image)?;
        scene.cosign.copy(&scene.registry, from, &image, to)?;
        if form == Form::Bundle {
            // It leaves bundles behind, and says itself that other tools are to be used.
            let found = scene.verdict(&[("a", &scene.a)], to, &image)?;
            ensure!(found == Verdict::NotSigned, "{found:?}");
            take_over(scene, from, to, &image)?;
        }
        let found = scene.verdict(&[("a", &scene.a)], to, &image)?;
        ensure!(signed(&found) == Some(("a", &image)), "{form:?}: {found:?}");
    }
    Ok(())
}

/// What refers to an image, as `oras copy -r` and registries that replicate each other copy it.
fn take_over(scene: &Scene, from: &str, to: &str, image: &Digest) -> Result<()> {
    let registry = &scene.registry;
    let read =
        |name: &str| -> Result<Vec<u8>> { Ok(registry.get(&format!("/v2/{from}/manifests/{name}"))?.body) };
    let digests = |document: &[u8], list: &str| -> Result<Vec<String>> {
        let document: Value = serde_json::from_slice(document)?;
        let listed = document[list].as_array().into_iter().flatten().chain([&document["config"]]);
        Ok(listed.filter_map(|entry| entry["digest"].as_str().map(str::to_owned)).collect())
    };
    let list = read(&referrers_tag(image))?;
    for referrer in digests(&list, "manifests")? {
        let manifest = read(&referrer)?;
        for blob in digests(&manifest, "layers")? {
            registry.blob(to, &registry.get(&format!("/v2/{from}/blobs/{blob}"))?.body)?;
        }
        registry.put(to, None, MANIFEST, &manifest)?;
    }
    registry.put(to, Some(&referrers_tag(image)), INDEX, &list)?;
    Ok(())
}

pub fn laid_beside(scene: &Scene) -> Result<()> {
    let good = scene.registry.image("beside", "good")?;
    let evil = scene.registry.image("beside", "evil")?;
    scene.sign(&scene.a, Form::Tag, "beside", &good)?;
    let [from, to] = [&good, &evil].map(|image| signature_tag(image).unwrap_or_default());
    let found = scene.registry.get(&format!("/v2/beside/manifests/{from}"))?;
    let signature: Value = serde_json::from_slice(&found.body)?;
    scene.registry.manifest("beside", Some(&to), MANIFEST, &signature)?;
    let found = scene.verdict(&[("a", &scene.a)], "beside", &evil)?;
    ensure!(found == Verdict::BadSignature { why: Refused::OtherDigest }, "{found:?}");
    ensure!(!scene.accepts(&scene.a, Form::Tag, "beside", &evil), "cosign takes it");
    Ok(())
}
