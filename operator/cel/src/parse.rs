//! Text to expression: the library's parser without macros, then the macros of the API server's environment.

use crate::ast::{Call, Expr, Kind};
use crate::depth;
use crate::error::Refusal;
use crate::macros;
use crate::value::{Text, Value};
use cel::common::ast::{EntryExpr, Expr as Parsed, IdedEntryExpr, IdedExpr, LiteralValue, SourceInfo};
use std::sync::Arc;

/// What cel-go takes at most, in characters.
const LONGEST: usize = 100_000;

pub fn parse(source: &str) -> Result<Expr, Refusal> {
    if source.chars().count() > LONGEST {
        return Err(Refusal::new(0, format!("expression code point size exceeds limit: {LONGEST}")));
    }
    depth::check(source)?;
    let (parsed, info) = with_room(|| {
        let parser = cel::Env::default().parser().max_recursion_depth(250);
        parser.parse_with_source_info(source).map_err(|errors| syntax_error(source, &errors))
    })?;
    Reader { info }.expression(parsed)
}

/// The library's parser takes up to 200 kB of stack for each level.
const ROOM: usize = 64 << 20;

fn with_room<T: Send>(parse: impl FnOnce() -> Result<T, Refusal> + Send) -> Result<T, Refusal> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(ROOM).spawn_scoped(scope, parse);
        let outcome = thread
            .map_err(|error| error.to_string())
            .and_then(|thread| thread.join().map_err(|_| "the parser of the library failed".to_owned()));
        outcome.unwrap_or_else(|text| Err(Refusal::new(0, text)))
    })
}

fn syntax_error(source: &str, errors: &cel::ParseErrors) -> Refusal {
    let Some(first) = errors.errors.first() else { return Refusal::new(0, "syntax error") };
    let (line, column) = first.pos;
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    // In characters there.
    let before: usize = source.split('\n').take(line - 1).map(|text| text.len() + 1).sum();
    let within = source.get(before..).unwrap_or_default().chars().take(column - 1).map(char::len_utf8);
    Refusal::new(before + within.sum::<usize>(), first.msg.clone())
}

struct Reader {
    info: SourceInfo,
}

impl Reader {
    fn offset(&self, id: u64) -> usize {
        self.info.offset_for(id).map_or(0, |(start, _)| start as usize)
    }

    fn expression(&self, parsed: IdedExpr) -> Result<Expr, Refusal> {
        let offset = self.offset(parsed.id);
        let kind = match parsed.expr {
            Parsed::Literal(literal) => Kind::Literal(constant(literal)),
            Parsed::Ident(name) => {
                if name.starts_with('.') {
                    return Err(Refusal::new(offset, "a leading dot is not supported"));
                }
                Kind::Ident(name)
            }
            Parsed::Select(select) => Kind::Select {
                operand: Box::new(self.expression(*select.operand)?),
                field: select.field,
                test: select.test,
            },
            Parsed::Call(call) => {
                let target = call.target.map(|target| self.expression(*target)).transpose()?;
                let arguments = call
                    .args
                    .into_iter()
                    .map(|argument| self.expression(argument))
                    .collect::<Result<_, _>>()?;
                let call = Call { function: call.func_name, target, arguments, resolved: None };
                return macros::expand(offset, call);
            }
            Parsed::List(list) => {
                let mut elements = Vec::with_capacity(list.elements.len());
                for (at, element) in list.elements.into_iter().enumerate() {
                    elements.push((self.expression(element)?, list.optional_indices.contains(&at)));
                }
                Kind::List(elements)
            }
            Parsed::Map(map) => {
                Kind::Map(map.entries.into_iter().map(|entry| self.entry(entry)).collect::<Result<_, _>>()?)
            }
            Parsed::Struct(message) => {
                return Err(Refusal::new(
                    offset,
                    format!("undeclared reference to '{}' (in container '')", message.type_name),
                ));
            }
            Parsed::Comprehension(_) | Parsed::Unspecified => {
                return Err(Refusal::new(offset, "not an expression"));
            }
        };
        Ok(Expr::new(offset, kind))
    }

    fn entry(&self, entry: IdedEntryExpr) -> Result<(Expr, Expr, bool), Refusal> {
        match entry.expr {
            EntryExpr::MapEntry(pair) => {
                Ok((self.expression(pair.key)?, self.expression(pair.value)?, pair.optional))
            }
            EntryExpr::StructField(_) => Err(Refusal::new(self.offset(entry.id), "not a map entry")),
        }
    }
}

fn constant(literal: LiteralValue) -> Value<'static> {
    match literal {
        LiteralValue::Boolean(value) => Value::Bool(value.into_inner()),
        LiteralValue::Bytes(value) => Value::Bytes(Arc::from(value.into_inner())),
        LiteralValue::Double(value) => Value::Double(value.into_inner()),
        LiteralValue::Int(value) => Value::Int(value.into_inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::String(value) => Value::String(Text::Shared(Arc::from(value.into_inner()))),
        LiteralValue::UInt(value) => Value::Uint(value.into_inner()),
    }
}
