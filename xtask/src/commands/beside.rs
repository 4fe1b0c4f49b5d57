//! A command that runs beside others; what it says is printed when it ends.

use super::cargo;
use crate::harness::workspace;
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command},
};

pub(super) struct Beside {
    command: Command,
    process: Child,
    said: PathBuf,
}

impl Beside {
    pub(super) fn start(mut command: Command, name: &str) -> Result<Self> {
        let directory = workspace::target_dir().join("beside");
        fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        let said = directory.join(format!("{name}-{}.log", std::process::id()));
        let file = File::create(&said).with_context(|| said.display().to_string())?;
        let process = command
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("run {}", command.get_program().display()))?;
        println!("{name} runs beside what follows, and says at its end what it has to say");
        Ok(Self { command, process, said })
    }

    pub(super) fn end(mut self) -> Result<()> {
        let status = self.process.wait();
        let said = fs::read(&self.said).with_context(|| self.said.display().to_string())?;
        print!("{}", String::from_utf8_lossy(&said));
        fs::remove_file(&self.said)?;
        cargo::ended(&self.command, status?)
    }
}
