//! Kubernetes' own NetworkPolicy specs, with real packets.

use crate::{Lab, TABLE};
use anyhow::{Context, Result, bail, ensure};
use std::{path::Path, process::Command, time::Duration};
use xtask::harness::{Tool, User, node::ENFORCER, wait_until};

/// One for each thing that an enforcer can get wrong: direction, selectors of both kinds, ports by name, addresses,
/// and change.
const SHORT: [&str; 6] = [
    "should support a 'default-deny-all' policy",
    "should enforce policy based on PodSelector and NamespaceSelector",
    "should allow egress access on one named port",
    "should work with Ingress, Egress specified together",
    "should enforce except clause while egress access to server in CIDR block",
    "should enforce updated policy",
];
/// Those of TCP and UDP: the machines of continuous integration have no SCTP.
const ALL: usize = 47;
const SCTP: &str = "SCTPConnectivity";

pub fn pass(lab: &Lab) -> Result<()> {
    let full = std::env::var_os("SNC_E2E_FULL").is_some();
    let (focus, expected) = if full { ("Netpol".to_owned(), ALL) } else { (any_of(&SHORT), SHORT.len()) };
    let outcome = run(lab, &focus)?;
    println!("{} of {expected} specs of Kubernetes passed", outcome.passed);
    ensure!(outcome.passed == expected && outcome.failed == 0, "{}", outcome.told);
    Ok(())
}

/// The same specs with nobody who enforces: they have teeth.
pub fn fail_without_the_enforcer(lab: &Lab) -> Result<()> {
    let instance = lab.plane.instance();
    instance.terminate(ENFORCER)?;
    let removed =
        lab.plane.command_in_node(Path::new("nft"))?.args(["delete", "table", "inet", TABLE]).status()?;
    ensure!(removed.success(), "nft delete table: {removed}");
    let outcome = run(lab, &any_of(&SHORT[..1]))?;
    instance.restart(ENFORCER)?;
    wait_until("the enforcer's table", Duration::from_secs(20), Duration::from_millis(100), || {
        Ok(lab.has_table()?.then_some(()))
    })?;
    ensure!(outcome.passed == 0 && outcome.failed == 1, "it is to fail:\n{}", outcome.told);
    Ok(())
}

/// The images that their pods may run; Kubernetes knows several of that name, and lists them in any order.
pub fn images(specs: &Path) -> Result<Vec<String>> {
    let output = Command::new(specs).args(["--list-images", "--provider=local"]).output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let words = told.split_whitespace().filter(|word| word.contains("/agnhost:"));
    let images: Vec<String> = words.map(str::to_owned).collect();
    ensure!(!images.is_empty(), "no agnhost among the images of the specs:\n{told}");
    Ok(images)
}

struct Outcome {
    passed: usize,
    failed: usize,
    /// The last lines.
    told: String,
}

fn run(lab: &Lab, focus: &str) -> Result<Outcome> {
    let output = Command::new(lab.plane.toolchain().path(Tool::NetpolSpecs)?)
        .arg(format!("--kubeconfig={}", lab.plane.kubeconfig(User::Admin).display()))
        .args(["--provider=local", "--num-nodes=1", "--ginkgo.no-color", "--ginkgo.timeout=40m"])
        .arg(format!("--ginkgo.focus={focus}"))
        .arg(format!("--ginkgo.skip={SCTP}"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let told = lines[lines.len().saturating_sub(60)..].join("\n");
    let Some(counts) = lines.iter().rev().find(|line| line.contains(" Passed |")) else {
        bail!("the specs did not run:\n{told}\n{}", String::from_utf8_lossy(&output.stderr));
    };
    let before = |word: &str| -> Result<usize> {
        let words: Vec<&str> = counts.split_whitespace().collect();
        let at = words.iter().position(|found| *found == word).with_context(|| (*counts).to_owned())?;
        Ok(words[at.saturating_sub(1)].parse()?)
    };
    Ok(Outcome { passed: before("Passed")?, failed: before("Failed")?, told })
}

/// The first container of specs only: two more repeat some of them for UDP and SCTP.
fn any_of(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{} ", escape(name))).collect();
    format!(r"\[sig-network\] Netpol NetworkPolicy between server and client ({})", names.join("|"))
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if !c.is_ascii_alphanumeric() && !" '-,".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}
