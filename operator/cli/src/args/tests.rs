use super::*;

fn run(words: &[&str]) -> Result<Parsed, Outcome> {
    parse(["kubectl-snc"].iter().chain(words).map(OsString::from))
}

fn args(words: &[&str]) -> Args {
    match run(words) {
        Ok(Parsed::Run(args)) => *args,
        other => panic!("{other:?}"),
    }
}

fn refused(words: &[&str]) -> String {
    let outcome = run(words).unwrap_err();
    assert_eq!(outcome.code(), 2);
    outcome.reasons.join("\n")
}

#[test]
fn the_defaults_of_each_command() {
    assert_eq!(args(&["status", "--lang=en"]).format, Format::Table);
    assert_eq!(args(&["plan"]).format, Format::Diff);
    let flows = args(&["flows", "-o", "md", "--tenant", "t"]);
    assert_eq!((flows.command, flows.format), (Command::Flows, Format::Markdown));
    assert_eq!(flows.selection, Selection::Tenant("t".into()));
    assert_eq!(flows.settings.identity.username(), "system:serviceaccount:snc-system:snc-controller");
    assert_eq!(flows.settings.canary_namespace, "snc-canary");
}

#[test]
fn common_options_stand_before_or_after_the_command() {
    for words in [["-n", "shop", "status"], ["status", "-n", "shop"]] {
        assert_eq!(args(&words).selection, Selection::Namespace("shop".into()));
    }
    assert_eq!(args(&["status", "-A"]).selection, Selection::All);
}

#[test]
fn selections_exclude_each_other_wherever_they_stand() {
    for words in [
        &["-n", "a", "status", "--tenant", "t"][..],
        &["status", "-n", "a", "--tenant", "t"],
        &["status", "-A", "-n", "a"],
    ] {
        assert!(refused(words).contains("--tenant"), "{words:?}");
    }
}

#[test]
fn the_language_is_found_before_anything_is_refused() {
    assert!(refused(&["status", "--lang", "fr", "--nope"]).contains("argument inconnu : --nope"));
    assert!(refused(&["--lang=en", "status", "--nope"]).contains("unknown argument: --nope"));
    assert_eq!(args(&["status", "--lang", "fr"]).lang, Lang::Fr);
}

#[test]
fn refusals_say_what_is_accepted() {
    let text = refused(&["status", "-o", "xml", "--lang=fr"]);
    assert!(text.contains("\"xml\"") && text.contains("accepté : table, json, yaml"), "{text}");
    assert!(refused(&["status", "--lang", "de"]).contains("fr, en"));
    assert!(refused(&["statu", "--lang=en"]).contains("perhaps: status"));
    assert!(refused(&["status", "-n", "", "--lang=en"]).contains("--namespace"));
    assert!(refused(&["--lang=en"]).contains("no command given"));
}

#[test]
fn help_speaks_one_language_at_a_time() {
    for command in [&[][..], &["status"], &["plan"], &["flows"], &["preflight"], &["reach"]] {
        let help = |lang: &str| match run(&[command, &["--help", lang]].concat()) {
            Ok(Parsed::Show(text)) => text,
            other => panic!("{other:?}"),
        };
        let (fr, en) = (help("--lang=fr"), help("--lang=en"));
        for english in ["Commands", "Print", "default", "possible values", "Language"] {
            assert!(!fr.contains(english), "{english} in {fr}");
        }
        for french in ["Commandes", "Affiche", "Langue", "Namespace de"] {
            assert!(!en.contains(french), "{french} in {en}");
        }
    }
}

#[test]
fn requirements_are_asked_about_by_state() {
    let asked = args(&["status", "--requirements", "--state", "nonCompliant,Unknown", "-o", "csv"]);
    let Command::Assessment(of) = asked.command else { panic!("{:?}", asked.command) };
    assert_eq!((of.states.len(), of.fail_on_unknown, asked.format), (2, false, Format::Csv));
    assert!(refused(&["status", "--requirements", "--state", "Bad", "--lang=en"]).contains("NonCompliant"));
    for words in [["status", "--state", "Unknown"], ["status", "-o", "csv"]] {
        assert!(refused(&words).contains("--requirements"), "{words:?}");
    }
    assert!(refused(&["status", "--fail-on-unknown"]).contains("--requirements"));
}
