//! The fixtures of the controls, and what the engine says of them.

use serde::Deserialize;
use serde_json::{Map, Value};
use snc_catalogue::{Catalogue, Evaluation, Judge, Object, Profile, Uniform, controls};
use snc_core::control::Control;
use snc_core::image::{Reference, Signature, Signatures};
use snc_core::snapshot::Availability;
use snc_core::text::Text;
use snc_core::tier::Level;
use snc_core::verdict::Verdict;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    pub cases: Vec<Case>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub expect: Expect,
    #[serde(default)]
    pub nasty: bool,
    /// Parameters of the control, the others being at their defaults.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// For a rule: the object.
    pub object: Option<Value>,
    /// For a control on several objects: all of them.
    #[serde(default)]
    pub objects: Vec<Value>,
    /// What registries said of images: `signed`, `unsigned`, `bad`, `unknown`, or `unconfirmed`, signed when last seen.
    pub registries: Option<BTreeMap<String, String>>,
    /// Kinds that were not read.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Exactly the paths that are reported.
    pub found: Option<Vec<String>>,
    /// What the message holds, in both languages.
    #[serde(default)]
    pub says: Says,
    /// False: the API server does not take such an object, or not by creation.
    // It is the end-to-end tests that read it.
    #[serde(default = "yes")]
    #[allow(dead_code)]
    pub server: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Expect {
    One(Word),
    /// By subject; every subject that is not named does not apply.
    Each(BTreeMap<String, Word>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    Pass,
    Fail,
    Unknown,
    NotApplicable,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
pub enum Says {
    #[default]
    Nothing,
    One(String),
    All(Vec<String>),
}

impl Says {
    pub fn all(&self) -> Vec<&str> {
        match self {
            Self::Nothing => Vec::new(),
            Self::One(text) => vec![text],
            Self::All(texts) => texts.iter().map(String::as_str).collect(),
        }
    }
}

impl Word {
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Pass => Verdict::Pass,
            Self::Fail => Verdict::Fail,
            Self::Unknown => Verdict::Unknown,
            Self::NotApplicable => Verdict::NotApplicable,
        }
    }
}

impl Case {
    pub fn objects(&self) -> Vec<Value> {
        self.object.iter().chain(&self.objects).cloned().collect()
    }

    /// By subject, those that apply.
    pub fn expected(&self) -> BTreeMap<String, Verdict> {
        let all: BTreeMap<String, Verdict> = match &self.expect {
            Expect::One(word) => {
                let object =
                    Object::new(self.object.clone().expect("one verdict is for one object")).expect("a name");
                [(object.subject.to_string(), word.verdict())].into()
            }
            Expect::Each(each) => {
                each.iter().map(|(subject, word)| (subject.clone(), word.verdict())).collect()
            }
        };
        all.into_iter().filter(|(_, verdict)| *verdict != Verdict::NotApplicable).collect()
    }
}

pub fn folder(control: &Control) -> PathBuf {
    let chapter = control.requirements[0].split('.').next().unwrap();
    // From the folder of this crate, and from that of the end-to-end tests, which read the same fixtures.
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let other = own.join("../operator/catalogue");
    let here = if own.join("fixtures").is_dir() { own } else { other };
    here.join("fixtures").join(chapter)
}

pub fn fixture(control: &Control) -> Fixture {
    let file = folder(control).join(format!("{}.yaml", control.id));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub fn catalogue(control: Control) -> Catalogue {
    Catalogue::of([control]).unwrap_or_else(|error| panic!("{error}"))
}

/// What one control says of objects: by subject, the verdict, the message and the paths.
pub fn judge(
    catalogue: &Catalogue,
    control: &Control,
    case: &Case,
    objects: &[Value],
) -> BTreeMap<String, (Verdict, Text, Vec<String>)> {
    let mut profile = Profile::new(Level::Avance);
    if !case.params.is_empty() {
        profile.parameters.insert(control.id.clone(), case.params.clone());
    }
    let profiles = Uniform(profile);
    let mut judge = Judge::new(catalogue, &profiles);
    for kind in catalogue.reads() {
        if !case.absent.contains(&kind) {
            judge.set(&kind, Availability::Held);
        }
    }
    if let Some(registries) = &case.registries {
        let values = control.parameter("keys").map(|_| case.params.get("keys").cloned().unwrap_or_default());
        judge.signed(signatures(registries, values.and_then(|keys| serde_json::from_value(keys).ok())));
    }
    for object in objects {
        let object = Object::new(object.clone()).expect("apiVersion, kind and name");
        judge.see(&object);
    }
    told(judge.conclude("2026-11-22T12:00:00Z".parse().unwrap()))
}

fn signatures(said: &BTreeMap<String, String>, keys: Option<Vec<String>>) -> Signatures {
    let mut signatures = Signatures::new(keys.unwrap_or_default());
    let why = || Text::new("le registre se tait", "the registry is silent");
    for (image, word) in said {
        let verified = |unconfirmed| Signature::Verified {
            key: "release".to_owned(),
            at: "2026-11-22T11:00:00Z".parse().unwrap(),
            unconfirmed,
        };
        let signature = match word.as_str() {
            "signed" => verified(None),
            "unconfirmed" => verified(Some(why())),
            "unsigned" => Signature::NotSigned,
            "bad" => Signature::Bad(why()),
            "unknown" => Signature::Unknown(why()),
            other => panic!("{other}"),
        };
        signatures.insert(&Reference::parse(image).expect("an image"), signature);
    }
    signatures
}

fn told(evaluation: Evaluation) -> BTreeMap<String, (Verdict, Text, Vec<String>)> {
    let all = evaluation
        .verdicts
        .iter()
        .flat_map(|(subject, verdicts)| verdicts.values().map(move |v| (subject, *v)));
    all.filter(|(_, verdict)| *verdict != Verdict::NotApplicable)
        .map(|(subject, verdict)| {
            let outcome = evaluation.findings.get(&(0, subject.clone()));
            let (message, paths) = outcome.map_or_else(
                || (Text::new("", ""), Vec::new()),
                |outcome| (outcome.message.clone(), outcome.paths.clone()),
            );
            (subject.to_string(), (verdict, message, paths))
        })
        .collect()
}

pub fn every() -> impl Iterator<Item = (&'static Control, Fixture)> {
    controls().iter().map(|control| (control, fixture(control)))
}
