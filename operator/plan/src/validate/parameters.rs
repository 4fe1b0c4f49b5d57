//! Values that the platform puts in the place of the defaults of controls' parameters.

use serde_json::Value;
use snc_api::v1alpha1::TailoredParameter;
use snc_catalogue::images::{KEYS, SCAN_KEYS, SIGNED};
use snc_core::control::{Control, Parameter, Stronger};
use snc_core::lattice::Source;
use snc_core::parameters::{ParameterKey, Parameters, Setting, Tailored};
use snc_core::text::Refusal;
use snc_images::signature::{ScanKeys, Trust};

/// As the schema of `SncBaseline` has it.
const MOST: usize = 128;
const LONGEST_LIST: usize = 256;
const LONGEST_ENTRY: usize = 512;
const SHORTEST_RATIONALE: usize = 3;
const LONGEST_RATIONALE: usize = 512;

/// What was refused leaves the default in force.
pub(super) fn parameters(
    given: &[TailoredParameter],
    source: &Source,
    refusals: &mut Vec<Refusal>,
) -> Parameters {
    if given.len() > MOST {
        refusals.push(Refusal::new(
            "spec.parameters",
            given.len().to_string(),
            format!("{MOST} paramètres au plus"),
            format!("at most {MOST} parameters"),
        ));
    }
    let mut kept = Vec::new();
    for (i, one) in given.iter().enumerate().take(MOST) {
        match parameter(one, &format!("spec.parameters[{i}]")) {
            Ok((stronger, value)) => {
                let key = ParameterKey { control: one.control.clone(), name: one.name.clone() };
                kept.push((key, Tailored::new(stronger, value, source)));
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    Parameters::of(kept)
}

fn parameter(given: &TailoredParameter, path: &str) -> Result<(Stronger, Setting), Refusal> {
    let parameter = find(&given.control, &given.name, path)?;
    let rationale = given.rationale.chars();
    if rationale.clone().filter(|c| !c.is_whitespace()).count() < SHORTEST_RATIONALE
        || rationale.count() > LONGEST_RATIONALE
    {
        return Err(Refusal::new(
            format!("{path}.rationale"),
            &given.rationale,
            format!("la raison de cette valeur, de {SHORTEST_RATIONALE} à {LONGEST_RATIONALE} caractères"),
            format!("why this value, in {SHORTEST_RATIONALE} to {LONGEST_RATIONALE} characters"),
        ));
    }
    if given.control == SIGNED && given.name == KEYS {
        Trust::read(&format!("{path}.value"), &lines(&given.value))?;
    }
    if given.name == SCAN_KEYS {
        ScanKeys::read(&format!("{path}.value"), &lines(&given.value))?;
    }
    let value = value(parameter, &given.value).map_err(|(fr, en)| {
        let key = format!("{}.{}", given.control, given.name);
        let shown = match &given.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Refusal::new(format!("{path}.value"), shown, format!("pour {key}, {fr}"), format!("for {key}, {en}"))
    })?;
    Ok((parameter.stronger, value))
}

fn lines(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|line| line.as_str().unwrap_or_default()).collect()
}

fn find(control: &str, name: &str, path: &str) -> Result<&'static Parameter, Refusal> {
    let refuse = |field: &str, given: &str, fr: String, en: String| {
        Refusal::new(format!("{path}.{field}"), given, fr, en)
    };
    let Some(found) = snc_catalogue::controls().iter().find(|one: &&Control| one.id == control) else {
        return Err(refuse(
            "control",
            control,
            "l'id d'un contrôle du produit (kubectl snc controls) ; un SncControl porte ses propres valeurs"
                .to_owned(),
            "the id of a control of the product (kubectl snc controls); an SncControl holds its own values"
                .to_owned(),
        ));
    };
    if found.parameters.is_empty() {
        return Err(refuse(
            "control",
            control,
            "un contrôle qui a des paramètres ; celui-ci n'en a pas".to_owned(),
            "a control that has parameters; this one has none".to_owned(),
        ));
    }
    found.parameter(name).ok_or_else(|| {
        let names: Vec<&str> = found.parameters.iter().map(|one| one.name.as_str()).collect();
        let names = names.join(", ");
        refuse(
            "name",
            name,
            format!("un paramètre de {control} : {names}"),
            format!("a parameter of {control}: {names}"),
        )
    })
}

/// What is accepted, in French and in English.
type Accepted = (String, String);

fn value(parameter: &Parameter, given: &Value) -> Result<Setting, Accepted> {
    match (Setting::read(&parameter.default), Setting::read(given)) {
        (Some(Setting::Flag(_)), Some(flag @ Setting::Flag(_))) => Ok(flag),
        (Some(Setting::Flag(_)), _) => {
            Err(("true ou false, sans guillemets".to_owned(), "true or false, without quotes".to_owned()))
        }
        (Some(Setting::Integer(_)), given) => {
            let (min, max) = parameter.bounds.map_or((i64::MIN, i64::MAX), |bounds| (bounds.min, bounds.max));
            match given {
                Some(integer @ Setting::Integer(n)) if (min..=max).contains(&n) => Ok(integer),
                _ => Err((
                    format!("un entier de {min} à {max}, sans guillemets"),
                    format!("a whole number from {min} to {max}, without quotes"),
                )),
            }
        }
        (Some(Setting::List(default)), Some(Setting::List(list))) => {
            if list.len() > LONGEST_LIST || !list.iter().all(|entry| is_entry(entry)) {
                return Err((
                    format!(
                        "une liste de {LONGEST_LIST} textes au plus, chacun de 1 à {LONGEST_ENTRY} caractères sans espace au bord"
                    ),
                    format!(
                        "a list of at most {LONGEST_LIST} texts, each of 1 to {LONGEST_ENTRY} characters without space at its ends"
                    ),
                ));
            }
            if parameter.stronger == Stronger::More && list.is_empty() && !default.is_empty() {
                // A control that asks for nothing is passed by everything.
                return Err((
                    "une liste d'au moins un texte : vide, le contrôle ne demanderait plus rien".to_owned(),
                    "a list of at least one text: empty, the control would ask for nothing".to_owned(),
                ));
            }
            Ok(Setting::List(list))
        }
        (Some(Setting::List(_)), _) => Err(("une liste de textes".to_owned(), "a list of texts".to_owned())),
        (None, _) => {
            Err(("rien : il ne se règle pas".to_owned(), "nothing: it cannot be tailored".to_owned()))
        }
    }
}

fn is_entry(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= LONGEST_ENTRY
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use snc_core::lang::Lang;

    fn read(value: &Value) -> (Parameters, Vec<Refusal>) {
        let given: Vec<TailoredParameter> = serde_json::from_value(value.clone()).unwrap();
        let mut refusals = Vec::new();
        let found = parameters(&given, &Source::Baseline("b".into()), &mut refusals);
        (found, refusals)
    }

    fn one(control: &str, name: &str, value: &Value) -> Value {
        json!([{"control": control, "name": name, "value": value, "rationale": "on purpose"}])
    }

    #[test]
    fn a_key_that_cannot_be_read_is_refused_where_it_is_written_and_never_quoted() {
        let private = "r.example release -----BEGIN PRIVATE KEY----- c2VjcmV0 -----END PRIVATE KEY-----";
        for line in ["https://r.example release AAAA", "r.example release AAAA", private] {
            let (found, refusals) = read(&one("image-signed", "keys", &json!([KEY, line])));
            assert_eq!(found, Parameters::default(), "{line}");
            assert!(refusals[0].path.starts_with("spec.parameters[0].value[1]"), "{refusals:?}");
            assert!(!format!("{refusals:?}").contains("c2VjcmV0"));
        }
        let (found, refusals) = read(&one("image-signed", "keys", &json!([KEY])));
        assert!(refusals.is_empty() && found != Parameters::default(), "{refusals:?}");
    }

    #[test]
    fn a_key_for_scans_is_a_name_and_a_key() {
        let (_, refusals) = read(&one("image-scanned", "scanKeys", &json!(["ci AAAA"])));
        assert!(refusals[0].path.starts_with("spec.parameters[0].value[0]"), "{refusals:?}");
        let key = KEY.split_once(' ').unwrap().1;
        let (found, refusals) = read(&one("image-overdue", "scanKeys", &json!([key])));
        assert!(refusals.is_empty() && found != Parameters::default(), "{refusals:?}");
    }

    const KEY: &str = "r.example:5000/shop release MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqiPQmLvZxnWgylpisljdbd68E25gWPAJFfp5iXlS25Pt2b7bSnv+OqKDfCZVv/H344FbxDzBT53D8wZvQGnHgw==";

    #[test]
    fn each_type_is_read() {
        for (control, name, given, shown) in [
            ("certificate-key", "minRsaBits", json!(4096), "4096"),
            ("certificate-key-kept", "rotatesByDefault", json!(false), "false"),
            (
                "image-registry",
                "registries",
                json!(["r.example/b", "r.example/a"]),
                "r.example/a,r.example/b",
            ),
            ("rbac-cluster-admin", "breakGlass", json!([]), ""),
        ] {
            let (found, refusals) = read(&one(control, name, &given));
            assert_eq!(refusals, []);
            assert_eq!(found.get(control, name).unwrap().value().to_string(), shown);
        }
    }

    #[test]
    fn what_is_wrong_is_named_in_both_languages_and_the_default_holds() {
        for (control, name, given, path, fr, en) in [
            ("no-such", "x", json!(1), "control", "kubectl snc controls", "kubectl snc controls"),
            ("custom-mine", "x", json!(1), "control", "SncControl", "SncControl"),
            ("pod-privileged", "x", json!(1), "control", "n'en a pas", "has none"),
            ("certificate-key", "bits", json!(4096), "name", ": minRsaBits", ": minRsaBits"),
            ("certificate-key", "minRsaBits", json!(1024), "value", "de 2048 à 8192", "from 2048 to 8192"),
            ("certificate-key", "minRsaBits", json!("4096"), "value", "sans guillemets", "without quotes"),
            ("certificate-key", "minRsaBits", json!(4096.5), "value", "un entier", "a whole number"),
            (
                "certificate-key-kept",
                "rotatesByDefault",
                json!("false"),
                "value",
                "true ou false",
                "true or false",
            ),
            ("image-registry", "registries", json!("r.example"), "value", "une liste", "a list"),
            ("image-registry", "registries", json!([1]), "value", "une liste", "a list"),
            ("image-registry", "registries", json!([""]), "value", "1 à 512", "1 to 512"),
            ("image-registry", "registries", json!({"a": "b"}), "value", "une liste", "a list"),
            ("image-mutable-tag", "tags", json!([]), "value", "au moins un", "at least one"),
        ] {
            let (found, refusals) = read(&one(control, name, &given));
            assert_eq!(found, Parameters::default(), "{control}.{name}");
            assert_eq!(refusals.len(), 1, "{control}.{name} {given}");
            assert_eq!(refusals[0].path, format!("spec.parameters[0].{path}"));
            assert!(refusals[0].message(Lang::Fr).contains(fr), "{}", refusals[0].message(Lang::Fr));
            assert!(refusals[0].message(Lang::En).contains(en), "{}", refusals[0].message(Lang::En));
        }
    }

    #[test]
    fn no_reason_no_value() {
        for rationale in ["", "  \n ", "ab", &"x".repeat(513)] {
            let mut list = one("certificate-key", "minRsaBits", &json!(4096));
            list[0]["rationale"] = json!(rationale);
            let (found, refusals) = read(&list);
            assert_eq!((found, refusals.len()), (Parameters::default(), 1));
            assert_eq!(refusals[0].path, "spec.parameters[0].rationale");
        }
    }

    #[test]
    fn one_refusal_for_all_that_are_too_many() {
        let entry = &one("certificate-key", "minRsaBits", &json!(4096))[0];
        let (_, refusals) = read(&json!(vec![entry; 300]));
        assert_eq!(refusals.len(), 1);
        assert_eq!(refusals[0].path, "spec.parameters");
    }

    /// A parameter of a type that cannot be joined would be a field without effect.
    #[test]
    fn every_parameter_of_the_product_can_be_tailored_to_its_own_default() {
        let mut seen = 0;
        for control in snc_catalogue::controls() {
            for parameter in &control.parameters {
                seen += 1;
                let kept = value(parameter, &parameter.default)
                    .unwrap_or_else(|(_, en)| panic!("{}.{}: {en}", control.id, parameter.name));
                let fits = match (&kept, parameter.stronger) {
                    (Setting::List(_), stronger) => matches!(stronger, Stronger::Fewer | Stronger::More),
                    (Setting::Integer(_), stronger) => matches!(stronger, Stronger::Lower | Stronger::Higher),
                    (Setting::Flag(_), stronger) => matches!(stronger, Stronger::True | Stronger::False),
                };
                assert!(fits, "{}.{}", control.id, parameter.name);
            }
        }
        assert!(seen > 50, "{seen}");
    }
}
