use super::*;
use rstest::rstest;
use serde_json::Value;
use snc_core::lang::Lang;

const BOTH: Outputs = Outputs { file: true, webhook: true };

#[rstest]
#[case(Distribution::Kubeadm)]
#[case(Distribution::K3s)]
#[case(Distribution::Rke2)]
fn where_flags_can_be_set_they_are_all_in_the_file(#[case] distribution: Distribution) {
    let advice = flags(distribution, BOTH);
    assert!(advice.possible);
    let text = &advice.files[0].text;
    let file: Value = serde_saphyr::from_str(text).unwrap();
    for flag in &advice.flags {
        let by_name = file["apiServer"]["extraArgs"].as_array().is_some_and(|args| {
            args.iter().any(|arg| arg["name"] == flag.name && arg["value"] == flag.value.as_str())
        });
        let written = format!("{}={}", flag.name, flag.value);
        let in_list = file["kube-apiserver-arg"]
            .as_array()
            .is_some_and(|args| args.iter().any(|arg| *arg == written.as_str()));
        let alone = file[flag.name] == flag.value.as_str();
        assert_eq!(u8::from(by_name) + u8::from(in_list) + u8::from(alone), 1, "{} in\n{text}", flag.name);
    }
    // What is read and written is there where the API server has a file system of its own.
    for path in [distribution.directory(), distribution.log().unwrap().rsplit_once('/').unwrap().0] {
        let mounted = match distribution {
            Distribution::Kubeadm => text.contains(&format!("mountPath: {path}\n")),
            Distribution::Rke2 => path.ends_with("logs") || text.contains(&format!("\"{path}:{path}:ro\"")),
            _ => true,
        };
        assert!(mounted, "{path} in\n{text}");
    }
}

#[test]
fn each_output_brings_its_own_flags_and_no_other() {
    let names = |outputs| {
        flags(Distribution::Kubeadm, outputs).flags.iter().map(|flag| flag.name).collect::<Vec<_>>()
    };
    let file = names(Outputs { file: true, webhook: false });
    assert!(
        file.contains(&"audit-log-path") && !file.iter().any(|name| name.contains("webhook")),
        "{file:?}"
    );
    let webhook = names(Outputs { file: false, webhook: true });
    assert!(
        webhook.contains(&"audit-webhook-config-file") && !webhook.iter().any(|name| name.contains("log"))
    );
    assert_eq!(names(Outputs { file: false, webhook: false }), ["audit-policy-file"]);
    // Without the file nobody can say that nothing is missing.
    let alone = flags(Distribution::Kubeadm, Outputs { file: false, webhook: true });
    assert!(alone.notes.iter().any(|note| note.en.contains("completeness cannot be proven")));
}

#[rstest]
#[case(Distribution::OpenShift)]
#[case(Distribution::Eks)]
#[case(Distribution::Gke)]
#[case(Distribution::Aks)]
#[case(Distribution::Ovh)]
fn where_they_cannot_what_to_do_is_said(#[case] distribution: Distribution) {
    let advice = flags(distribution, BOTH);
    assert!(!advice.possible && advice.flags.is_empty() && advice.arguments().count() == 0);
    assert!(advice.notes.len() >= 2, "{:?}", advice.notes);
}

#[test]
fn everything_is_said_in_both_languages() {
    for distribution in Distribution::ALL {
        assert_eq!(distribution.to_string().parse::<Distribution>().unwrap(), *distribution);
        let advice = flags(*distribution, BOTH);
        let whys =
            advice.flags.iter().map(|flag| &flag.why).chain(advice.files.iter().map(|file| &file.what));
        for text in whys.chain(&advice.notes) {
            assert!(
                text.get(Lang::Fr).len() > 20 && text.get(Lang::En).len() > 20 && text.fr != text.en,
                "{text:?}"
            );
        }
    }
    assert!("kubeadmin".parse::<Distribution>().unwrap_err().contains("kubeadm, k3s"));
}

#[test]
fn how_the_webhook_is_reached_is_said_exactly() {
    let text = reach().iter().map(|text| text.en.clone()).collect::<Vec<_>>().join("\n");
    for fact in [
        "never goes through the selection \"cluster\"",
        "goes through \"controlplane\"",
        "Without it, or without the file, the connection is direct",
    ] {
        assert!(text.contains(fact), "{fact}");
    }
}

#[test]
fn the_command_line() {
    let advice = flags(Distribution::K3s, BOTH);
    assert_eq!(advice.arguments().next().unwrap(), "--audit-policy-file=/etc/rancher/k3s/audit/policy.yaml");
}

#[rstest]
#[case("10.96.0.50:8445", Some("snc-audit-sink.snc-system.svc"))]
#[case("[fd00::1]:8445", None)]
#[case("127.0.0.1:8445", Some("sink"))]
#[case("logs.example.org:443", None)]
fn a_file_for_the_webhook(#[case] address: &str, #[case] server_name: Option<&str>) {
    let text = kubeconfig(&Webhook { address, server_name, directory: "/etc/kubernetes/audit/" }).unwrap();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    let cluster = &file["clusters"][0]["cluster"];
    assert_eq!(cluster["server"], format!("https://{address}/v1/webhook"));
    assert_eq!(cluster["tls-server-name"].as_str(), server_name);
    assert_eq!(cluster["certificate-authority"], "/etc/kubernetes/audit/ca.crt");
    let context = &file["contexts"][0];
    assert_eq!(file["current-context"], context["name"]);
    assert_eq!(context["context"]["cluster"], file["clusters"][0]["name"]);
    assert_eq!(context["context"]["user"], file["users"][0]["name"]);
    assert_eq!(file["users"][0]["user"]["client-key"], "/etc/kubernetes/audit/tls.key");
}

#[rstest]
#[case("10.96.0.50", None, "/a", "address")]
#[case("10.96.0.50:0", None, "/a", "address")]
#[case("10.96.0.50:99999", None, "/a", "address")]
#[case("10.96.0.500:8445", None, "/a", "address")]
#[case("fd00::1:8445", None, "/a", "address")]
#[case("[10.0.0.1]:8445", None, "/a", "address")]
#[case("https://10.0.0.1:8445", None, "/a", "address")]
#[case("snc-audit-sink.snc-system.svc:8445", None, "/a", "address")]
#[case("snc-audit-sink.snc-system.svc.cluster.local:8445", None, "/a", "address")]
#[case("x\"\n  y: z:8445", None, "/a", "address")]
#[case("10.0.0.1:8445", Some("a b"), "/a", "serverName")]
#[case("10.0.0.1:8445", Some(""), "/a", "serverName")]
#[case("10.0.0.1:8445", None, "etc", "directory")]
#[case("10.0.0.1:8445", None, "/etc/../x", "directory")]
#[case("10.0.0.1:8445", None, "/etc/a b", "directory")]
fn what_cannot_be_is_refused(
    #[case] address: &str,
    #[case] server_name: Option<&str>,
    #[case] directory: &str,
    #[case] field: &str,
) {
    assert_eq!(kubeconfig(&Webhook { address, server_name, directory }).unwrap_err().path, field);
}
