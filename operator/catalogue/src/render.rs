//! A rule of a file as the expressions that the API server and this crate's own engine both evaluate.

use snc_core::control::{Control, Rule};
use snc_core::lang::Lang;
use snc_core::text::Text;

/// Kinds that hold a pod's specification. In a control's file they are `pods`.
pub const POD_KINDS: &[&str] = &[
    "core/Pod",
    "core/PodTemplate",
    "core/ReplicationController",
    "apps/Deployment",
    "apps/StatefulSet",
    "apps/DaemonSet",
    "apps/ReplicaSet",
    "batch/Job",
    "batch/CronJob",
];

/// What rules on pods share, in the order in which one may use the other. `variables.params` is added to them.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "at",
        "object.kind == 'Pod' ? 'spec' : object.kind == 'CronJob' ? 'spec.jobTemplate.spec.template.spec' : \
         object.kind == 'PodTemplate' ? 'template.spec' : 'spec.template.spec'",
    ),
    (
        "podSpec",
        "object.kind == 'Pod' ? object.spec : object.kind == 'CronJob' ? \
         object.spec.jobTemplate.spec.template.spec : object.kind == 'PodTemplate' ? object.template.spec : \
         object.spec.template.spec",
    ),
    (
        "podMeta",
        "object.kind == 'Pod' ? object.?metadata.orValue({}) : object.kind == 'CronJob' ? \
         object.spec.jobTemplate.spec.template.?metadata.orValue({}) : object.kind == 'PodTemplate' ? \
         object.template.?metadata.orValue({}) : object.spec.template.?metadata.orValue({})",
    ),
    ("podLabels", "variables.podMeta.?labels.orValue({})"),
    ("podAnnotations", "variables.podMeta.?annotations.orValue({})"),
    (
        "metaAt",
        "object.kind == 'Pod' ? 'metadata' : variables.at.substring(0, size(variables.at) - 4) + 'metadata'",
    ),
    ("containers", "variables.podSpec.?containers.orValue([])"),
    ("initContainers", "variables.podSpec.?initContainers.orValue([])"),
    ("ephemeralContainers", "variables.podSpec.?ephemeralContainers.orValue([])"),
    ("allContainers", "variables.containers + variables.initContainers + variables.ephemeralContainers"),
    // Every container with where it is below the pod's specification. What is not of one type is made dyn in a map.
    (
        "located",
        "variables.containers.map(c, {'at': dyn('containers[\"' + c.name + '\"]'), 'container': c}) + \
         variables.initContainers.map(c, {'at': dyn('initContainers[\"' + c.name + '\"]'), 'container': c}) + \
         variables.ephemeralContainers.map(c, {'at': dyn('ephemeralContainers[\"' + c.name + '\"]'), 'container': c})",
    ),
    // The pod's security context and each container's.
    (
        "contexts",
        "[{'at': dyn('securityContext'), 'context': variables.podSpec.?securityContext.orValue({})}] + \
         variables.located.map(l, {'at': dyn(l.at + '.securityContext'), \
         'context': l.container.?securityContext.orValue({})})",
    ),
    // Every image that the pod pulls, those of volumes included, and when it is pulled.
    (
        "images",
        "variables.located.map(l, {'at': dyn(l.at + '.image'), 'image': l.container.?image.orValue(''), \
         'pull': l.container.?imagePullPolicy.orValue('')}) + \
         variables.podSpec.?volumes.orValue([]).filter(v, has(v.image)).map(v, {'at': dyn('volumes[\"' + v.name + \
         '\"].image.reference'), 'image': v.image.?reference.orValue(''), 'pull': v.image.?pullPolicy.orValue('')})",
    ),
    // Every command line as one text, those of hooks included.
    (
        "commands",
        "variables.located.map(l, {'at': l.at + '.command', \
         'text': (l.container.?command.orValue([]) + l.container.?args.orValue([])).join(' ')}) + \
         variables.located.map(l, {'at': l.at + '.lifecycle.postStart.exec.command', \
         'text': l.container.?lifecycle.?postStart.?exec.?command.orValue([]).join(' ')}) + \
         variables.located.map(l, {'at': l.at + '.lifecycle.preStop.exec.command', \
         'text': l.container.?lifecycle.?preStop.?exec.?command.orValue([]).join(' ')})",
    ),
    // Those, and the values of variables.
    (
        "texts",
        "variables.commands + variables.located.map(l, {'at': l.at + '.env', \
         'text': l.container.?env.orValue([]).map(e, e.?value.orValue('')).join(' ')})",
    ),
    // The object as parameters name it: `Kind:name`, or `Kind:namespace/name`.
    (
        "named",
        "object.kind + ':' + (object.metadata.?namespace.orValue('') == '' ? '' : object.metadata.namespace + '/') + \
         object.metadata.?name.orValue('')",
    ),
    // Those of a role; the API server writes null where there are none.
    ("rules", "has(object.rules) && dyn(object.rules) != null ? object.rules : []"),
    // The containers of a static pod of the control plane, with their words.
    (
        "programs",
        "object.kind == 'Pod' && object.metadata.?namespace.orValue('') == 'kube-system' && \
         'kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}) ? \
         object.spec.containers.map(c, {'name': string(c.name), 'line': \
         (c.?command.orValue([]) + c.?args.orValue([])).join(' ').replace('\\n', ' ').replace('\"', '').replace(\"'\", '')}) : []",
    ),
    // Which of its components they run.
    (
        "components",
        "['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].filter(n, \
         variables.programs.exists(p, p.name == n || p.line.matches('(^|[ /])' + n + '( |$)')))",
    ),
    // Their flags, each as `--name=value`, however it is written.
    (
        "flags",
        "(' ' + variables.programs.filter(p, variables.components.exists(n, p.name == n || \
         p.line.matches('(^|[ /])' + n + '( |$)'))).map(p, p.line).join(' - '))\
         .findAll(' --?[A-Za-z][^ =]*(=[^ ]*| [^- ][^ ]*)?').map(f, f.trim())\
         .map(f, f.startsWith('--') ? f : '-' + f)\
         .map(f, f.contains(' ') ? f.replace(' ', '=', 1) : f.contains('=') ? f : f + '=true')\
         .map(f, f.substring(0, f.indexOf('=')).replace('_', '-') + f.substring(f.indexOf('=')))",
    ),
];

const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Messages above it are cut: the API server drops those above 5 KiB and says something else instead.
const LONGEST: usize = 1000;

/// The expressions of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// True where the object is as it should be.
    pub validation: String,
    /// Gives what is said of a failure.
    pub message: Text,
    /// Gives the list of the paths that failed.
    pub paths: String,
}

pub fn is_on_pods(control: &Control) -> bool {
    control.reads.iter().any(|kind| kind == "pods")
}

pub fn render(control: &Control, rule: &Rule) -> Result<Rendered, String> {
    let pods = is_on_pods(control);
    let expect = &rule.expect;
    let path = path(rule, pods)?;
    let all = |list: &str| format!("({list}).all(self, {expect})");
    let wrong = |list: &str, give: &str| format!("({list}).filter(self, !({expect})).map(self, {give})");
    let over = |give: &str| match rule.each.as_deref() {
        None => format!("[{give}]"),
        Some("containers") => CONTAINER_LISTS
            .map(|list| {
                let at = format!("variables.at + '.{list}[\"' + self.name + '\"].' + {give}");
                wrong(&format!("variables.{list}"), &at)
            })
            .join(" + "),
        Some(list) => wrong(list, give),
    };
    let validation = match rule.each.as_deref() {
        None => expect.clone(),
        Some("containers") => all("variables.allContainers"),
        Some(list) => all(list),
    };
    let validation = match &rule.applies {
        None => validation,
        Some(applies) => format!("!({applies}) || ({validation})"),
    };
    let shown = match &rule.value {
        None => path.clone(),
        Some(value) => format!("{path} + ' = ' + ({value})"),
    };
    let found = format!("({}).join(', ')", over(&shown));
    let found = format!("[{found}].map(f, size(f) > {LONGEST} ? f.substring(0, {LONGEST}) + '…' : f)[0]");
    let message = |lang| template(rule.message.get(lang), &found);
    Ok(Rendered {
        validation,
        message: Text::new(message(Lang::Fr)?, message(Lang::En)?),
        paths: over(&path),
    })
}

/// Below the pod's specification for pods, below the container for containers; as it stands where it begins with
/// an expression.
fn path(rule: &Rule, pods: bool) -> Result<String, String> {
    let path = template(&rule.path, "")?;
    let below = pods && rule.each.as_deref() != Some("containers") && !rule.path.starts_with('{');
    Ok(if below { format!("variables.at + '.' + {path}") } else { path })
}

/// Text with `{expression}` in it, as one expression; `{found}` is what was found.
fn template(text: &str, found: &str) -> Result<String, String> {
    let parts = parts(text).map_err(|_| format!("no }} for the {{ in {text:?}"))?;
    let one = |part: &Part<'_>| match *part {
        Part::Literal(text) => literal(text),
        Part::Expression(_, inner) => format!("({})", if inner == "found" { found } else { inner }),
    };
    Ok(parts.iter().map(one).collect::<Vec<_>>().join(" + "))
}

/// A part of a text with expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    Literal(&'a str),
    /// With where it begins.
    Expression(usize, &'a str),
}

/// None is left out, and there is one at least; or where the brace is that nothing closes.
pub fn parts(text: &str) -> Result<Vec<Part<'_>>, usize> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('{') {
        let open = at + open;
        let close = closing(&text[open..]).ok_or(open)? + open;
        if open > at {
            parts.push(Part::Literal(&text[at..open]));
        }
        parts.push(Part::Expression(open + 1, &text[open + 1..close]));
        at = close + 1;
    }
    if at < text.len() || parts.is_empty() {
        parts.push(Part::Literal(&text[at..]));
    }
    Ok(parts)
}

/// Where the brace that opens the text is closed; braces in quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// JSON's escapes are the language's own.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_expressions() {
        assert_eq!(template("a \"b\" {self.x} c", ""), Ok(r#""a \"b\" " + (self.x) + " c""#.to_owned()));
        assert_eq!(template("{found}", "F"), Ok("(F)".to_owned()));
        assert_eq!(template("", ""), Ok("\"\"".to_owned()));
        assert_eq!(template("{{'}': 1}['}']}", ""), Ok("({'}': 1}['}'])".to_owned()));
        assert!(template("a {b", "").is_err());
    }
}
