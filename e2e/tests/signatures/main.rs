//! What cosign signs in a real registry over TLS is verified, and nothing else is.

mod copies;
mod forms;
mod outage;
mod scene;

use anyhow::{Result, bail};
use libtest_mimic::{Arguments, Failed, Trial};
use scene::Scene;
use std::process::ExitCode;
use std::sync::Arc;
use xtask::harness::{Environment, Tool, Toolchain, interrupt};

type Run = fn(&Scene) -> Result<()>;

const CASES: &[(&str, Run)] = &[
    ("an_image_is_signed_by_the_key_that_signed_it", forms::by_each_key),
    ("keys_of_p384_count_and_ed25519_in_its_plain_form", forms::other_curves),
    ("an_attestation_is_no_signature", forms::attestation),
    ("the_manifest_itself_can_be_signed", forms::blob),
    ("an_index_and_its_images_are_signed_each", forms::index),
    ("a_tag_that_moves_changes_nothing", copies::moved_tag),
    ("a_copy_in_a_mirror_keeps_its_signature", copies::mirror),
    ("a_signature_of_another_image_does_not_count", copies::laid_beside),
    ("certificate_and_credentials_have_to_fit", outage::access),
    ("a_registry_that_is_down_leaves_it_open", outage::stopped),
];

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let scene = if args.list { Ok(None) } else { start() };
    let scene = match scene {
        Ok(None) if !args.list => {
            println!("SKIPPED(no tools; `cargo xtask test --only tools` gets them)");
            return ExitCode::SUCCESS;
        }
        Ok(scene) => Arc::new(scene),
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let trials = CASES.iter().map(|(name, run)| {
        let scene = Arc::clone(&scene);
        Trial::test(*name, move || match scene.as_ref() {
            Some(scene) => run(scene).map_err(|error| Failed::from(format!("{error:#}"))),
            None => Err(Failed::from("nothing was started")),
        })
    });
    let conclusion = libtest_mimic::run(&args, trials.collect());
    if let Some(Some(scene)) = Arc::into_inner(scene)
        && conclusion.has_failed()
    {
        eprintln!("the registry said:\n{}", scene.registry.log());
    }
    conclusion.exit_code()
}

/// `None`, where there is nothing to run and nobody insists.
fn start() -> Result<Option<Scene>> {
    interrupt::install()?;
    let found = Toolchain::find_tools(&Environment::current()?, &Tool::SIGNATURES)?;
    let set = |name, value| std::env::var(name).is_ok_and(|found| found == value);
    if found.is_none() && (set("CI", "true") || set("SNC_E2E", "1")) {
        bail!("registry and cosign are not there; `cargo xtask test --only tools` gets them");
    }
    found.map(|tools| Scene::start(&tools)).transpose()
}
