//! CEL as the Kubernetes API server evaluates it: its libraries at 1.34, its type checks, its costs.
//!
//! The parser is the `cel` crate's; what follows is after cel-go's checker, planner and interpreter, since a rule that
//! is judged here stands for what a `ValidatingAdmissionPolicy` would judge. What the API server has and this crate
//! has not, or judges otherwise, does not compile.
//!
//! An object is bound raw, as the API server binds the unstructured form of every object, built-in kinds included:
//! - keys are as they are written, nothing is escaped: `object.metadata.labels['a/b']`;
//! - a quantity, a time, an address is a text: `quantity(object.spec.size)`, `timestamp(object.metadata.creationTimestamp)`;
//! - an int-or-string is what it holds, so `dyn`: `1 == '1'` is false, `string(port)` takes both;
//! - an integer that fits `int` is one, any other number is a `double`: `1.0` in JSON is a `double`, and equals `1`;
//! - a field that was omitted is absent (`has` is false, selecting it fails); a field that is null is there
//!   (`has` is true), and selecting in it fails with `no such key`;
//! - `oldObject` of a creation and `object` of a deletion are null.
//!
//! A map is walked in the order of its keys; the API server's order is not the same twice.
//!
//! Refused, though the API server takes it: `authorizer`; a time zone by its name; a literal message or a leading dot;
//! a literal map keyed by a list, a map or bytes; `variables` as a whole; what is nested deeper than 128 (there: 250);
//! in patterns `\B`, `\C`, octal escapes, `\<`, classes of rare scripts. What is known only at evaluation is an
//! error, never another answer: such a pattern or such a key that is computed, an optional quantity, address or
//! version that is given a name, a text or a list of more than 2^28. The text about a pattern that is none differs.
//!
//! `tests/parity.yaml` holds what was compared; `tests/oracle` asks the API server's own environment.

mod ast;
mod check;
mod compile;
mod cost;
mod depth;
mod env;
mod error;
mod eval;
mod gofmt;
mod library;
mod macros;
mod objects;
mod parse;
mod table;
mod tree;
mod types;
mod value;

pub use cost::{Budget, PER_CALL, PER_POLICY};
pub use env::{Activation, Env, Program};
pub use error::{CompileError, EvalError};
pub use library::cidr::Cidr;
pub use library::format::Format;
pub use library::ip::Ip;
pub use library::quantity::Quantity;
pub use library::semver::Semver;
pub use library::time::Time;
pub use library::url::Url;
pub use value::{Key, List, Map, Text, Value};
