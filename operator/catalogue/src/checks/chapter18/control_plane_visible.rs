//! ```yaml
//! id: control-plane-visible
//! category: control-plane
//! requirements: [18.2.1.b, 18.4.a]
//! level: Essentiel
//! severity: medium
//! scope: platform
//! title:
//!   fr: Réglages du plan de contrôle invisibles
//!   en: Control plane settings not visible
//! reads: [core/Pod, core/Namespace]
//! judges: [core/Pod]
//! parameters:
//!   - name: staticPods
//!     default: false
//!     stronger: "true"
//!     source: product
//!     writer: platform
//!     about:
//!       fr: "La plateforme mène son plan de contrôle en pods statiques : un composant absent est alors un échec."
//!       en: "The platform runs its control plane as static pods: a missing component is then a failure."
//!   - name: components
//!     default: [kube-apiserver, kube-controller-manager, kube-scheduler, etcd]
//!     stronger: more
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Composants attendus.
//!       en: Components that are expected.
//! remediation:
//!   fr: Joindre l'export de configuration du plan de contrôle géré ; sinon le mener en pods statiques dont les réglages sont des options.
//!   en: Attach the configuration export of the managed control plane; otherwise run it as static pods whose settings are flags.
//!   snippet: |
//!     kubectl get pods -n kube-system -l tier=control-plane -o yaml
//! boundary:
//!   fr: Prouve que chaque composant est vu comme pod statique réglé par des options ; ne dit rien de la valeur des options. Un composant qui n'est pas vu n'est pas jugé par les autres contrôles du plan de contrôle.
//!   en: Proves that each component is seen as a static pod set by flags; says nothing of the value of flags. A component that is not seen is not judged by the other controls of the control plane.
//! ```

use crate::checks::World;
use snc_core::facts::{Container, Pod};
use snc_core::verdict::{Outcome, Subject};

const SYSTEM: &str = "kube-system";
/// The kubelet writes it on the copy of a static pod.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// Options after which a file that is not read from here decides.
const FILES: [(&str, &str); 4] = [
    ("etcd", "config-file"),
    ("kube-apiserver", "authentication-config"),
    ("kube-apiserver", "authorization-config"),
    ("kube-scheduler", "config"),
];

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let expected = world.settings.strings("components");
    let pods =
        world.snapshot.pods.within(SYSTEM).filter(|(_, pod)| pod.metadata.annotations.contains_key(MIRROR));
    let seen: Vec<(&Subject, &Pod, Vec<&str>)> = pods
        .map(|(subject, pod)| (subject, pod, components(pod, &expected)))
        .filter(|(.., found)| !found.is_empty())
        .collect();
    let missing: Vec<&str> = expected
        .iter()
        .copied()
        .filter(|name| !seen.iter().any(|(.., found)| found.contains(name)))
        .collect();
    // Files that are no cluster have no control plane to show.
    let is_cluster =
        world.snapshot.labels_of(SYSTEM).is_some() || world.snapshot.pods.within(SYSTEM).next().is_some();
    let mut said: Vec<(Subject, Outcome)> =
        seen.iter().map(|(subject, pod, found)| ((*subject).clone(), judged(pod, found))).collect();
    if is_cluster {
        let missing = missing.join(", ");
        let fr = format!("aucun pod statique de {SYSTEM} ne montre {missing}");
        let en = format!("no static pod of {SYSTEM} shows {missing}");
        let outcome = match (missing.is_empty(), world.settings.flag("staticPods")) {
            (true, _) => Outcome::pass(),
            (false, true) => Outcome::fail(fr, en),
            (false, false) => Outcome::unknown(fr, en),
        };
        said.push((Subject::whole(), outcome));
    }
    said
}

fn components<'a>(pod: &Pod, expected: &[&'a str]) -> Vec<&'a str> {
    expected
        .iter()
        .copied()
        .filter(|name| pod.spec.containers.iter().any(|container| runs(container, name)))
        .collect()
}

fn words(container: &Container) -> impl Iterator<Item = &str> {
    container.command.iter().chain(&container.args).flat_map(|word| word.split([' ', '\n', '"', '\'']))
}

fn runs(container: &Container, name: &str) -> bool {
    container.name == name
        || words(container).any(|word| word.rsplit('/').next() == Some(name) && !word.starts_with('-'))
}

fn judged(pod: &Pod, found: &[&str]) -> Outcome {
    let mut files: Vec<String> = Vec::new();
    for (name, option) in FILES.iter().filter(|(name, _)| found.contains(name)) {
        let given = |word: &str| {
            let flag = word.split('=').next().unwrap_or_default().replace('_', "-");
            word.starts_with('-') && flag.trim_start_matches('-') == *option
        };
        if pod.spec.containers.iter().filter(|container| runs(container, name)).any(|c| words(c).any(given)) {
            files.push(format!("--{option}"));
        }
    }
    if files.is_empty() {
        return Outcome::pass();
    }
    let files = files.join(", ");
    Outcome::unknown(
        format!("un fichier qui n'est pas lu d'ici décide : {files}"),
        format!("a file that is not read from here decides: {files}"),
    )
    .at("spec.containers")
}
