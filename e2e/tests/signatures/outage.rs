//! A registry that cannot be read, or not any more.

use crate::scene::{Scene, Watch, signed};
use anyhow::{Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use snc_e2e::cosign::Form;
use snc_e2e::registry::Registry;
use snc_registry::{Credentials, Declared, Unknown, Verdict};

const fn unknown(why: Unknown) -> Verdict {
    Verdict::Unknown { why }
}

pub fn access(scene: &Scene) -> Result<()> {
    let image = scene.registry.image("access", "v1")?;
    scene.sign(&scene.a, Form::Bundle, "access", &image)?;
    let good = Scene::declared(&scene.registry, &[("a", &scene.a)])?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let stranger = params.self_signed(&KeyPair::generate()?)?.pem();
    let wrong = Credentials { user: "reader".to_owned(), password: "wrong".to_owned() };
    let cases = [
        (Declared { ca: Some(stranger), ..good.clone() }, unknown(Unknown::Untrusted)),
        (Declared { credentials: Some(wrong), ..good.clone() }, unknown(Unknown::AccessDenied)),
        (Declared { credentials: None, ..good.clone() }, unknown(Unknown::AccessDenied)),
        (Declared { place: format!("{}/other", good.place), ..good.clone() }, Verdict::NotDeclared),
    ];
    let name = format!("{}/access@{image}", scene.registry.address());
    for (declared, expected) in cases {
        let found = scene.ask(&Scene::verifier(declared, Watch::new())?, &name)?;
        ensure!(found == expected, "{found:?} instead of {expected:?}");
    }
    let found = scene.ask(&Scene::verifier(good, Watch::new())?, &name)?;
    ensure!(signed(&found) == Some(("a", &image)), "{found:?}");
    let missing = image.as_str().replace("sha256:", "sha256:0").chars().take(71).collect::<String>();
    let found = scene.ask(
        &Scene::verifier(Scene::declared(&scene.registry, &[("a", &scene.a)])?, Watch::new())?,
        &format!("{}/access@{missing}", scene.registry.address()),
    )?;
    ensure!(found == unknown(Unknown::NoImage), "{found:?}");
    Ok(())
}

pub fn stopped(scene: &Scene) -> Result<()> {
    let mut registry = Registry::start(scene.program.clone())?;
    let (seen, unseen) = (registry.image("app", "seen")?, registry.image("app", "unseen")?);
    for image in [&seen, &unseen] {
        scene.cosign.sign(&registry, &scene.a, Form::Bundle, "app", image)?;
    }
    let watch = Watch::new();
    let verifier = Scene::verifier(Scene::declared(&registry, &[("a", &scene.a)])?, watch.clone())?;
    let [seen, unseen] = [seen, unseen].map(|image| format!("{}/app@{image}", registry.address()));
    let first = scene.ask(&verifier, &seen)?;
    ensure!(signed(&first).is_some(), "{first:?}");

    registry.stop();
    let down = unknown(Unknown::Unreachable);
    ensure!(scene.ask(&verifier, &seen)? == first, "it is remembered for an hour");
    ensure!(scene.ask(&verifier, &unseen)? == down);
    watch.forward(3600);
    let (Verdict::Verified { key, digest, at, .. }, Verdict::Verified { at: then, .. }) =
        (scene.ask(&verifier, &seen)?, &first)
    else {
        anyhow::bail!("it is remembered for a day")
    };
    ensure!(at == *then && key == "a" && seen.ends_with(digest.as_str()), "{key} {digest} {at}");
    watch.forward(23 * 3600);
    ensure!(scene.ask(&verifier, &seen)? == down, "and no longer");

    registry.resume()?;
    watch.forward(10);
    for image in [&seen, &unseen] {
        let found = scene.ask(&verifier, image)?;
        ensure!(signed(&found).is_some(), "{found:?}");
    }
    Ok(())
}
