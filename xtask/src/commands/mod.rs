//! One file per command.

use anyhow::Result;
use clap::Subcommand;

mod bench;
mod cargo;
mod chart;
mod demo;
mod down;
mod generate;
mod generated;
mod netpol;
mod node;
mod release;
mod status;
mod table;
mod test;
mod up;
mod values;
mod verify;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a Kubernetes control plane on this machine
    Up(up::Args),
    /// End a control plane and remove what belongs to it
    Down(down::Args),
    /// Show the control planes and their processes
    Status(status::Args),
    /// The node of an instance (`up --node`)
    #[command(subcommand)]
    Node(node::Command),
    /// Two tenants, a small shop and planted mistakes, on a real API server
    Demo(demo::Args),
    /// Run every check and test, and tell how long each took
    Test(test::Args),
    /// Measure the operator on a real API server; prints figures and judges none
    Bench(bench::Args),
    /// Make what a version is handed out as: binaries, image, chart, and what proves where they are from
    Release(release::Args),
    /// Write the files that the operator's binary prints
    Generate(generate::Args),
    /// Fail if those files, Cargo.lock or the dependencies are not as they should be
    Verify(verify::Args),
}

impl Command {
    pub fn run(self) -> Result<()> {
        match self {
            Self::Up(args) => up::run(&args),
            Self::Down(args) => down::run(&args),
            Self::Status(args) => status::run(&args),
            Self::Node(command) => command.run(),
            Self::Demo(args) => demo::run(&args),
            Self::Test(args) => test::run(&args),
            Self::Bench(args) => bench::run(&args),
            Self::Release(args) => release::run(&args),
            Self::Generate(args) => generate::run(&args),
            Self::Verify(args) => verify::run(&args),
        }
    }
}
