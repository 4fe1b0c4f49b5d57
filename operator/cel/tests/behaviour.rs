//! What the corpus does not show: variables, budgets, deadlines, positions, and that nothing panics.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use snc_cel::{Activation, Budget, Env, EvalError, PER_POLICY, Program, Value};

fn failed(text: &str) -> EvalError {
    EvalError::Failed(text.to_owned())
}

#[test]
fn a_program_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Program>();
    shared::<Env>();
}

#[test]
fn a_variable_is_evaluated_once_whoever_asks() {
    let env = Env::new(&["object"]);
    let names = env.compile("object.names.map(n, n + '!')").unwrap();
    let env = env.with_variable("names", &names);
    let twice = env.compile_bool("variables.names.size() == 2 && variables.names[0] == 'a!'").unwrap();
    let again = env.compile_bool("has(variables.names) && variables.names.exists(n, n == 'b!')").unwrap();
    let object = json!({"names": ["a", "b"]});
    let mut activation = Activation::new(&env);
    activation.bind("object", &object);
    activation.bind_lazy("variables.names", &names);
    let mut budget = Budget::new();
    assert_eq!(twice.bool(&activation, &mut budget), Ok(true));
    let after_first = budget.left();
    assert_eq!(again.bool(&activation, &mut budget), Ok(true));
    let second = after_first - budget.left();
    let mut alone = Budget::new();
    let alone_cost = names.measured(&activation, &mut alone).1;
    let (_, own) = again.measured(&activation, &mut Budget::new());
    assert_eq!(second, own, "the variable was paid for by the first, which cost {alone_cost} more");
}

#[test]
fn an_error_of_a_variable_surfaces_where_it_is_used() {
    let env = Env::new(&["object"]);
    let broken = env.compile("object.nope.x").unwrap();
    let env = env.with_variable("broken", &broken);
    let object = json!({});
    let mut activation = Activation::new(&env);
    activation.bind("object", &object);
    activation.bind_lazy("variables.broken", &broken);
    let run = |source: &str| env.compile(source).unwrap().bool(&activation, &mut Budget::new());
    let text = r#"composited variable "broken" fails to evaluate: no such key: nope"#;
    assert_eq!(run("variables.broken == 1"), Err(failed(text)));
    assert_eq!(run("variables.broken == 1 || true"), Ok(true));
    assert_eq!(run("has(variables.broken)"), Err(failed(text)));
    assert_eq!(run("true"), Ok(true));
}

#[test]
fn a_variable_has_the_type_of_its_program() {
    let env = Env::new(&["object"]);
    let name = env.compile("string(object.name)").unwrap();
    let env = env.with_variable("name", &name);
    assert!(env.compile("variables.name + 'x'").is_ok());
    let error = env.compile("variables.name + 1").unwrap_err();
    assert_eq!(error.to_string(), "1:16: found no matching overload for '_+_' applied to '(string, int)'");
    assert_eq!(env.compile("variables.other").unwrap_err().message, "undefined field 'other'");
}

#[test]
fn a_variable_that_asks_for_itself_fails() {
    let env = Env::new(&["variables.a"]);
    let program = env.compile("variables.a").unwrap();
    let mut activation = Activation::new(&env);
    activation.bind_lazy("variables.a", &program);
    assert!(matches!(program.evaluate(&activation, &mut Budget::new()), Err(EvalError::Failed(_))));
}

#[test]
fn a_rule_is_statically_of_its_type() {
    let env = Env::new(&["object"]);
    assert!(env.compile_bool("object.a == 1").is_ok());
    let error = env.compile_bool("object.a").unwrap_err();
    assert_eq!(error.message, "must evaluate to bool but got dyn");
    assert!(env.compile_string("'a' + object.b").is_ok());
    assert!(env.compile_string("object.b").is_err());
}

#[test]
fn an_error_is_placed_in_characters() {
    let env = Env::new(&["object"]);
    let error = env.compile("'é' == object.a &&\n  'é' + 1 == 'a'").unwrap_err();
    assert_eq!((error.line, error.column), (2, 7));
    let error = env.compile("'é' ==").unwrap_err();
    assert_eq!((error.line, error.column), (1, 7));
}

#[test]
fn what_the_api_server_alone_can_answer_is_refused_by_name() {
    let env = Env::new(&["object"]);
    let error = env.compile("authorizer.group('').resource('pods').check('get').allowed()").unwrap_err();
    assert!(error.message.contains("authorizer"), "{error}");
}

#[test]
fn the_limits_are_those_of_the_api_server() {
    let env = Env::new(&["object"]);
    let program =
        env.compile_bool("object.l.all(x, object.l.all(y, object.l.all(z, x + y + z >= 0)))").unwrap();
    let object = json!({"l": (0..100).collect::<Vec<_>>()});
    let mut activation = Activation::new(&env);
    activation.bind("object", &object);
    let mut budget = Budget::new();
    assert_eq!(program.bool(&activation, &mut budget), Err(EvalError::CostExceeded));
    assert!(budget.left() < PER_POLICY);
    let small = env.compile_bool("object.l.size() == 100").unwrap();
    assert_eq!(small.bool(&activation, &mut Budget::limited(100, 2)), Err(EvalError::CostExceeded));
    assert_eq!(small.bool(&activation, &mut Budget::limited(2, 100)), Err(EvalError::CostExceeded));
    // No expression absorbs that.
    let absorbed = env
        .compile_bool("object.l.all(x, object.l.all(y, object.l.all(z, x + y + z >= 0))) || true")
        .unwrap();
    assert_eq!(absorbed.bool(&activation, &mut Budget::new()), Err(EvalError::CostExceeded));
}

#[test]
fn a_deadline_ends_an_evaluation() {
    let env = Env::new(&["object"]);
    let program = env.compile_bool("object.l.all(x, object.l.all(y, x + y >= 0)) || true").unwrap();
    let object = json!({"l": (0..200).collect::<Vec<_>>()});
    let mut activation = Activation::new(&env);
    activation.bind("object", &object);
    let mut asked = 0;
    let mut over = || {
        asked += 1;
        asked > 2
    };
    assert_eq!(program.bool(&activation, &mut Budget::new().until(&mut over)), Err(EvalError::TimedOut));
    assert_eq!(asked, 3);
}

#[test]
fn what_would_fill_the_memory_is_not_made() {
    let env = Env::new(&["object"]);
    let object = json!({"s": "a".repeat(100_000)});
    let mut activation = Activation::new(&env);
    activation.bind("object", &object);
    for source in [
        "lists.range(1000000000000).size()",
        "object.s.replace('', object.s).size()",
        "'%.999999999f'.format([1.5]).size()",
    ] {
        let program = env.compile(source).unwrap();
        let outcome = program.evaluate(&activation, &mut Budget::new()).map(|_| ());
        assert_eq!(outcome, Err(EvalError::CostExceeded), "{source}");
    }
}

#[test]
fn programs_of_another_environment_are_not_evaluated() {
    let (one, other) = (Env::new(&["object"]), Env::new(&["self"]));
    let program = one.compile("object.a").unwrap();
    let object = json!({"a": 1});
    let mut activation = Activation::new(&other);
    activation.bind("self", &object);
    assert!(program.evaluate(&activation, &mut Budget::new()).is_err());
}

#[test]
fn a_custom_name_is_bound() {
    let env = Env::new(&["self", "oldSelf"]);
    let program = env.compile_bool("self.replicas >= oldSelf.replicas").unwrap();
    let (new, old) = (json!({"replicas": 3}), json!({"replicas": 2}));
    let mut activation = Activation::new(&env);
    activation.bind("self", &new);
    activation.bind("oldSelf", &old);
    assert_eq!(program.bool(&activation, &mut Budget::new()), Ok(true));
}

#[test]
fn what_the_object_holds_is_borrowed() {
    let env = Env::new(&["object"]);
    let program = env.compile("object.items.map(i, i.name)").unwrap();
    let object = json!({"items": [{"name": "a"}]});
    let mut activation = Activation::new(&env);
    activation.bind("object", &object);
    let outcome = program.evaluate(&activation, &mut Budget::new()).unwrap();
    drop((activation, program));
    let Value::List(list) = outcome else { panic!("not a list") };
    assert!(matches!(list.get(0), Some(Value::String(snc_cel::Text::Borrowed("a")))));
}

/// Nested rather than long.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,8}".prop_map(Json::from),
        prop_oneof![Just("1Gi"), Just("10.0.0.1"), Just("2020-01-01T00:00:00Z"), Just("1h")]
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

const EXPRESSIONS: &[&str] = &[
    "a.b == c[0] || a < b",
    "a + b == c",
    "a.all(x, b.exists(y, x == y))",
    "a.map(x, [x, b]).flatten().distinct().size() > 1",
    "a.?b[?c].orValue(b) in c",
    "'%s %d %f %e %x %b %o'.format([a, b, c, a, b, c, a])",
    "string(a) + b.substring(c) + c.charAt(a)",
    "a.split(b, c).join(a)",
    "a.replace(b, c).lastIndexOf(a, b)",
    "quantity(a).add(quantity(b)).compareTo(quantity(c))",
    "cidr(a).containsIP(b) || ip(c).isLoopback()",
    "url(a).getQuery()[b]",
    "timestamp(a) - duration(b) == timestamp(c)",
    "a.matches(b) || a.findAll(b, c).size() == 1",
    "a.sort().slice(b, c).reverse()",
    "semver(a, true).compareTo(semver(b))",
    "a.transformMap(k, v, v != b, c)",
    "format.dns1123LabelPrefix().validate(a).orValue([b])",
    "format.datetime().validate(a) == format.uri().validate(b)",
    "int(a) * int(b) / int(c) % int(uint(a))",
    "a[b][c] == {a: b, b: c}[c]",
    "a.sum() == b.min() || c.isSorted()",
    "sets.equivalent(a, b) && a.indexOf(c) > 0",
];

proptest! {
    #[test]
    fn no_evaluation_panics_and_none_is_free_of_its_limit(
        a in any_json(),
        b in any_json(),
        c in any_json(),
        which in 0..EXPRESSIONS.len(),
    ) {
        let env = Env::new(&["a", "b", "c"]);
        let program = env.compile(EXPRESSIONS[which]).unwrap();
        let mut activation = Activation::new(&env);
        for (name, value) in [("a", &a), ("b", &b), ("c", &c)] {
            activation.bind(name, value);
        }
        let (outcome, cost) = program.measured(&activation, &mut Budget::new());
        let (again, same) = program.measured(&activation, &mut Budget::new());
        prop_assert_eq!(cost, same);
        prop_assert_eq!(outcome.is_ok(), again.is_ok());
        if !matches!(outcome, Err(EvalError::CostExceeded)) && cost > 0 {
            let (limited, _) = program.measured(&activation, &mut Budget::limited(cost - 1, PER_POLICY));
            prop_assert!(matches!(limited, Err(EvalError::CostExceeded)));
        }
    }

    #[test]
    fn a_longer_list_costs_no_less(list in prop::collection::vec(any::<i64>(), 0..20), more in any::<i64>()) {
        let env = Env::new(&["l"]);
        let program = env.compile("l.map(x, string(x)).filter(s, s.contains('1')).size() >= 0").unwrap();
        let cost = |list: &[i64]| {
            let value = Json::from(list.to_vec());
            let mut activation = Activation::new(&env);
            activation.bind("l", &value);
            program.measured(&activation, &mut Budget::new()).1
        };
        let longer: Vec<i64> = list.iter().copied().chain([more]).collect();
        prop_assert!(cost(&list) <= cost(&longer));
    }

    #[test]
    fn no_source_panics(source in "\\PC{0,40}") {
        let _ = Env::new(&["object"]).compile(&source);
    }

    #[test]
    fn no_mixture_of_tokens_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "object", ".", "a", "[", "]", "(", ")", "?", ":", "&&", "||", "!", "-", "+", "1", "'s'", "in", "has", "all",
        "map", ",", "{", "}", "==", "<", "x", "1.5", "null", "size", "format", "optMap", " ",
    ]), 0..14)) {
        let _ = Env::new(&["object"]).compile(&tokens.concat());
    }
}

/// In a thread of the size that tests and workers have.
#[test]
fn what_is_as_deep_as_can_be_is_read_and_evaluated() {
    let env = Env::new(&["object"]);
    for source in [
        format!("{}1{}", "(".repeat(120), ")".repeat(120)),
        format!("{}1{}", "[".repeat(120), "]".repeat(120)),
        vec!["1"; 120].join("+"),
        format!("object{}", ".?a".repeat(60)),
        format!("{}1", "true ? 1 : ".repeat(60)),
        format!("{}true{}", "[1].all(x, ".repeat(40), ")".repeat(40)),
        format!("'a'{}", ".trim()".repeat(60)),
        format!("{}1{}", "dyn(".repeat(120), ")".repeat(120)),
    ] {
        let program = env.compile(&source).unwrap_or_else(|error| panic!("{source}: {error}"));
        let object = json!({});
        let mut activation = Activation::new(&env);
        activation.bind("object", &object);
        assert!(program.evaluate(&activation, &mut Budget::new()).is_ok(), "{source}");
    }
}
