//! `SncBaseline` objects of files, each with its place.

use crate::manifests::documents::documents;
use crate::manifests::tree::{Node, Tree};
use crate::manifests::typed::{Wrong, inside, typed};
use crate::manifests::{Place, Unreadable};
use serde_json::{Value, json};
use snc_api::v1alpha1::{SncBaseline, SncBaselineSpec};
use snc_core::names::GROUP;
use snc_core::text::{Refusal, Text, clip};
use snc_plan::profile::is_for_all;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const KIND: &str = "SncBaseline";
const VERSION: &str = "secnumcloud.dev/v1alpha1";

/// One baseline, and where it stands.
#[derive(Debug)]
pub struct Declared {
    pub name: String,
    pub spec: SncBaselineSpec,
    pub place: Place,
    node: Node,
    /// Where the object is in its document; empty where it is all of it.
    at: String,
}

impl Declared {
    /// What the operator says of a field, with its place in the file.
    pub fn refused(&self, refusal: &Refusal) -> Unreadable {
        let field = inside(&self.at, &refusal.path);
        let place = Place { line: line_at(&self.node, &refusal.path), field, ..self.place.clone() };
        Unreadable { place, what: what(&refusal.given, &refusal.accepted) }
    }
}

/// Everything readable, and everything that is not.
pub fn read(paths: &[PathBuf]) -> (Vec<Declared>, Vec<Unreadable>) {
    let mut reader = Reader::default();
    for path in paths {
        reader.file(path);
    }
    let Reader { found, wrong, .. } = reader;
    (found, wrong)
}

#[derive(Default)]
struct Reader {
    found: Vec<Declared>,
    wrong: Vec<Unreadable>,
    place: Place,
    /// By name.
    seen: BTreeMap<String, Place>,
}

impl Reader {
    fn file(&mut self, path: &Path) {
        self.place = Place { file: path.display().to_string(), ..Place::default() };
        let text = match std::fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => {
                let what = Text::new("ce n'est pas du texte UTF-8", "this is not UTF-8 text");
                return self.refuse(0, String::new(), what);
            }
            Err(error) => {
                let what = error.to_string();
                return self.refuse(0, String::new(), Text::new(what.clone(), what));
            }
        };
        let before = (self.found.len(), self.wrong.len());
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (documents, wrong) = documents(&self.place.file, text);
        self.wrong.extend(wrong);
        for document in documents {
            self.place.document = document.index;
            self.object(document.root, String::new());
        }
        if (self.found.len(), self.wrong.len()) == before {
            self.place.document = 0;
            let what = Text::new(
                format!("aucun {KIND} ; attendu : un au moins, {VERSION}"),
                format!("no {KIND}; expected: one at least, {VERSION}"),
            );
            self.refuse(0, String::new(), what);
        }
    }

    fn refuse(&mut self, line: u64, field: String, what: Text) {
        let place = Place { line, field, ..self.place.clone() };
        self.wrong.push(Unreadable { place, what });
    }

    /// Other kinds are passed over: a file of the platform holds more than baselines.
    fn object(&mut self, node: Node, at: String) {
        let kind = node.text("kind").unwrap_or_default();
        if kind == "List" || kind == "SncBaselineList" {
            if let Some(Tree::List(items)) = node.get("items").map(|items| items.tree.clone()) {
                for (index, item) in items.into_iter().enumerate() {
                    self.object(item, inside(&at, &format!("items[{index}]")));
                }
            }
            return;
        }
        let version = node.text("apiVersion").unwrap_or_default();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        if kind != KIND || group != GROUP {
            return;
        }
        if version != VERSION {
            let what = what(version, &Text::new(VERSION, VERSION));
            return self.refuse(line_at(&node, "apiVersion"), inside(&at, "apiVersion"), what);
        }
        match declared(&node, &at) {
            Ok((name, spec)) => self.keep(Declared { name, spec, place: self.place.clone(), node, at }),
            Err(Wrong { line, field, what }) => self.refuse(line, field, what),
        }
    }

    fn keep(&mut self, one: Declared) {
        if let Some(other) = self.seen.get(&one.name) {
            let other = other.file.clone();
            let accepted =
                Text::new(format!("un autre nom que dans {other}"), format!("another name than in {other}"));
            let refusal = Refusal { path: "metadata.name".to_owned(), given: one.name.clone(), accepted };
            return self.wrong.push(one.refused(&refusal));
        }
        self.seen.insert(one.name.clone(), one.place.clone());
        let refusals = of_one(&one.spec);
        if refusals.is_empty() {
            self.found.push(one);
        } else {
            self.wrong.extend(refusals.iter().map(|refusal| one.refused(refusal)));
        }
    }
}

fn declared(node: &Node, at: &str) -> Result<(String, SncBaselineSpec), Wrong> {
    let absent = |path: &str| Wrong {
        line: line_at(node, path),
        field: inside(at, path),
        what: Text::new("absent", "absent"),
    };
    let object: SncBaseline = typed(node, at)?;
    let name = object.metadata.name.filter(|name| !name.is_empty()).ok_or_else(|| absent("metadata.name"))?;
    let spec = node.get("spec").ok_or_else(|| absent("spec"))?;
    let kept = serde_json::to_value(&object.spec).unwrap_or_default();
    match full(spec).first_unknown(&kept, "spec") {
        Some((field, line)) => {
            Err(Wrong { line, field: inside(at, &field), what: Text::new("champ inconnu", "unknown field") })
        }
        None => Ok((name, object.spec)),
    }
}

/// What the API server would refuse, and what would speak of some tenants only.
fn of_one(spec: &SncBaselineSpec) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if !is_for_all(spec) {
        refusals.push(Refusal::new(
            "spec.tenantSelector",
            json!(spec.tenant_selector).to_string(),
            "rien : des fichiers n'ont pas de tenant, et les paramètres de certains ne valent pas pour tous",
            "nothing: files have no tenant, and the parameters of some do not hold for all",
        ));
    }
    let mut seen = BTreeSet::new();
    for (i, one) in spec.parameters.iter().enumerate() {
        if !seen.insert((&one.control, &one.name)) {
            refusals.push(Refusal::new(
                format!("spec.parameters[{i}]"),
                format!("{}.{}", one.control, one.name),
                "chaque paramètre une fois",
                "each parameter once",
            ));
        }
    }
    refusals
}

fn what(given: &str, accepted: &Text) -> Text {
    let given = clip(given, 120);
    Text::new(
        format!("reçu {given:?} ; accepté : {}", accepted.fr),
        format!("got {given:?}; accepted: {}", accepted.en),
    )
}

/// Without what is empty, which a typed reader does not keep.
fn full(node: &Node) -> Node {
    let tree = match &node.tree {
        Tree::List(items) => Tree::List(items.iter().map(full).collect()),
        Tree::Map(map) => {
            let fields = map.iter().map(|(key, item)| (key.clone(), full(item)));
            Tree::Map(fields.filter(|(_, item)| !is_empty(item)).collect())
        }
        Tree::Scalar(value) => Tree::Scalar(value.clone()),
    };
    Node { line: node.line, column: node.column, tree }
}

fn is_empty(node: &Node) -> bool {
    match &node.tree {
        Tree::List(items) => items.is_empty(),
        Tree::Map(map) => map.is_empty(),
        Tree::Scalar(value) => *value == Value::Null,
    }
}

/// The line of `a.b[0].c`, or of the nearest thing around it.
fn line_at(node: &Node, path: &str) -> u64 {
    let mut node = node;
    for step in path.split('.') {
        let (key, index) = step
            .split_once('[')
            .map_or((step, None), |(key, rest)| (key, rest.trim_end_matches(']').parse::<usize>().ok()));
        let Some(next) = node.get(key) else { break };
        node = next;
        if let (Some(index), Tree::List(items)) = (index, &node.tree) {
            let Some(next) = items.get(index) else { break };
            node = next;
        }
    }
    node.line
}
