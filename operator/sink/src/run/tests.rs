mod api;
mod fake;
mod flow;
mod kill;
mod room;
mod syslog;
