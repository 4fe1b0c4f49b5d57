use crate::args::audit::AuditPolicyArgs;
use anyhow::{Context, Result, bail};
use snc_audit::policy::{Wishes, generate};
use snc_core::lang::Lang;
use snc_core::names::AUDIT_SINK;
use std::io::Write;

pub fn main(args: &AuditPolicyArgs) -> Result<()> {
    let wishes = match &args.wishes {
        None => Wishes::default(),
        Some(file) => {
            let field = || format!("--wishes {}", file.display());
            let text = std::fs::read_to_string(file).with_context(field)?;
            serde_saphyr::from_str(&text).with_context(field)?
        }
    };
    let policy = policy(wishes, &args.operator_namespace, args.language)?;
    Ok(std::io::stdout().lock().write_all(policy.as_bytes())?)
}

/// Nothing that was asked for is left out in silence: a wish that cannot be joined in is an error.
fn policy(wishes: Wishes, operator_namespace: &str, lang: Lang) -> Result<String> {
    let probe = format!("system:serviceaccount:{operator_namespace}:{AUDIT_SINK}");
    let generated = generate(&wishes.join(Wishes { probes: [probe].into(), ..Wishes::default() }));
    let refused: Vec<String> = generated.refused.iter().map(|refusal| refusal.message(lang)).collect();
    if !refused.is_empty() {
        bail!("--wishes:\n{}", refused.join("\n"));
    }
    Ok(generated.yaml(lang))
}

#[cfg(test)]
mod tests {
    use super::*;
    use snc_audit::Level;
    use snc_audit::policy::{Attributes, Target, judge, level, parse};

    fn made(wishes: &str, namespace: &str) -> Result<String> {
        policy(serde_saphyr::from_str(wishes).unwrap(), namespace, Lang::En)
    }

    #[test]
    fn what_is_printed_is_a_policy_that_leaves_out_nothing_mandatory() {
        let [fr, en] =
            [Lang::Fr, Lang::En].map(|lang| policy(Wishes::default(), "snc-system", lang).unwrap());
        assert_ne!(fr, en);
        for text in [fr, en] {
            let parsed = parse(&text).unwrap();
            assert!(judge(&parsed.policy).is_empty() && parsed.ignored.is_empty(), "{text}");
        }
    }

    /// As `audit::cluster` makes it.
    #[test]
    fn the_marked_call_of_the_sink_is_recorded_wherever_the_sink_is() {
        let policy = parse(&made("{}", "elsewhere").unwrap()).unwrap().policy;
        let user = "system:serviceaccount:elsewhere:snc-audit-sink";
        let target = Target::Resource {
            group: "authentication.k8s.io",
            resource: "selfsubjectreviews",
            subresource: "",
            namespace: "",
            name: "",
        };
        let groups =
            vec!["system:serviceaccounts", "system:serviceaccounts:elsewhere", "system:authenticated"];
        let call = Attributes { user: Some(user), groups, verb: "create", target };
        assert_eq!(level(&policy, &call), Level::Metadata);
        assert!(made("{}", "elsewhere").unwrap().contains(user), "by its name");
    }

    #[test]
    fn what_cannot_be_recorded_is_said_and_nothing_is_printed() {
        let wish = |resource: &str| {
            format!(
                "tenants: [{{tenant: shop, namespaces: [web], resources: [{{group: '', resource: {resource}}}]}}]"
            )
        };
        assert!(made(&wish("services"), "snc-system").unwrap().contains("\"services\""));
        let error = made(&wish("secrets"), "snc-system").unwrap_err().to_string();
        assert!(error.contains("tenants[shop].resources"), "{error}");
    }
}
