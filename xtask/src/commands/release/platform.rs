//! What a release is built for, and what this machine lacks for it.

use anyhow::{Result, anyhow, bail};
use std::{
    env,
    path::{Path, PathBuf},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Platform {
    Amd64,
    Arm64,
}

impl Platform {
    const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// As Go, and so OCI and krew, name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    pub(super) const fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-musl",
            Self::Arm64 => "aarch64-unknown-linux-musl",
        }
    }

    /// As an ELF header names it.
    pub(super) const fn machine(self) -> u16 {
        match self {
            Self::Amd64 => 62,
            Self::Arm64 => 183,
        }
    }

    pub(super) fn of_this_machine() -> Self {
        if Self::Arm64.native() { Self::Arm64 } else { Self::Amd64 }
    }

    fn native(self) -> bool {
        self.name() == crate::image::native_architecture()
    }

    /// C compilers that make what fits musl. One for glibc is taken when the environment names it, never by itself: its
    /// headers refer to functions that musl does not have.
    fn compilers(self) -> Vec<&'static str> {
        let cross = match self {
            Self::Amd64 => "x86_64-linux-musl-gcc",
            Self::Arm64 => "aarch64-linux-musl-gcc",
        };
        if self.native() { vec!["musl-gcc", cross] } else { vec![cross] }
    }

    /// The variable of the `cc` crate.
    pub(super) fn compiler_variable(self) -> String {
        format!("CC_{}", self.target().replace('-', "_"))
    }
}

/// A platform with what builds for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tools {
    pub(super) platform: Platform,
    pub(super) compiler: PathBuf,
    /// For another machine than this one: `cc` links for this one only.
    pub(super) linker: Option<PathBuf>,
}

/// What a machine has.
pub(super) struct Machine<'a> {
    pub(super) path: Vec<PathBuf>,
    pub(super) variable: &'a dyn Fn(&str) -> Option<PathBuf>,
    pub(super) standard_library: &'a dyn Fn(&str) -> bool,
}

impl Machine<'_> {
    fn tools(&self, platform: Platform) -> Result<Tools> {
        let target = platform.target();
        if !(self.standard_library)(target) {
            bail!("no standard library of Rust for {target}; `rustup target add {target}` installs it");
        }
        let variable = platform.compiler_variable();
        let compiler = (self.variable)(&variable).or_else(|| {
            let files = platform.compilers().into_iter();
            files.flat_map(|name| self.path.iter().map(move |dir| dir.join(name))).find(|file| file.is_file())
        });
        let compiler = compiler.ok_or_else(|| {
            anyhow!(
                "no C compiler for {target}: {} is not on PATH and {variable} is not set{}",
                platform.compilers().join(" or "),
                if platform.native() { "; Debian's package is musl-tools" } else { "" }
            )
        })?;
        let linker = (!platform.native()).then(|| compiler.clone());
        Ok(Tools { platform, compiler, linker })
    }

    /// What can be built for, and why the rest cannot. What was asked for by name has to be among the first.
    pub(super) fn choose(&self, asked: &[Platform]) -> Result<(Vec<Tools>, Vec<String>)> {
        let (mut made, mut missing) = (Vec::new(), Vec::new());
        for platform in Platform::ALL {
            if !asked.is_empty() && !asked.contains(&platform) {
                continue;
            }
            match self.tools(platform) {
                Ok(tools) => made.push(tools),
                Err(why) => missing.push(format!("{}: {why}", platform.name())),
            }
        }
        if made.is_empty() || !(asked.is_empty() || missing.is_empty()) {
            bail!("cannot build for {}", missing.join("\n                 "));
        }
        Ok((made, missing))
    }
}

pub(super) fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

pub(super) fn set_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// rustc tells where it would be, whether it is there or not.
pub(super) fn standard_library(target: &str) -> bool {
    super::build::rustc(&["--print", "target-libdir", "--target", target])
        .is_ok_and(|dir| Path::new(dir.trim()).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const NATIVE: &str = crate::image::native_architecture();

    fn native() -> Platform {
        Platform::ALL.into_iter().find(|platform| platform.native()).unwrap()
    }

    fn other() -> Platform {
        Platform::ALL.into_iter().find(|platform| !platform.native()).unwrap()
    }

    #[test]
    fn every_platform_is_made_that_can_be_and_the_other_is_named_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("musl-gcc"), "").unwrap();
        let machine = Machine {
            path: vec![dir.path().to_path_buf()],
            variable: &|_| None,
            standard_library: &|_| true,
        };
        let (made, missing) = machine.choose(&[]).unwrap();
        let compiler = dir.path().join("musl-gcc");
        assert_eq!(made, [Tools { platform: native(), compiler, linker: None }]);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].contains("no C compiler for"), "{missing:?}");
        assert!(missing[0].contains(&other().compiler_variable()), "{missing:?}");
    }

    #[test]
    fn what_was_asked_for_by_name_is_made_or_the_command_fails() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("musl-gcc"), "").unwrap();
        let target = native().target();
        let machine = Machine {
            path: vec![dir.path().to_path_buf()],
            variable: &|_| None,
            standard_library: &move |asked| asked == target,
        };
        assert_eq!(machine.choose(&[native()]).unwrap().0.len(), 1);
        let refusal = machine.choose(&[native(), other()]).unwrap_err().to_string();
        assert!(refusal.contains(&format!("rustup target add {}", other().target())), "{refusal}");
        assert!(!refusal.contains(&format!("{NATIVE}:")), "{refusal}");
    }

    #[test]
    fn a_machine_that_can_build_nothing_says_what_it_lacks() {
        let machine = Machine { path: Vec::new(), variable: &|_| None, standard_library: &|_| true };
        let refusal = machine.choose(&[]).unwrap_err().to_string();
        assert!(refusal.contains("musl-tools"), "{refusal}");
    }

    #[test]
    fn a_compiler_that_the_environment_names_comes_first_and_links_for_another_machine() {
        let machine = Machine {
            path: Vec::new(),
            variable: &|name| Some(PathBuf::from(format!("/opt/{name}"))),
            standard_library: &|_| true,
        };
        let (made, missing) = machine.choose(&[]).unwrap();
        assert!(missing.is_empty());
        for tools in made {
            assert!(tools.compiler.ends_with(tools.platform.compiler_variable()));
            assert_eq!(tools.linker.is_none(), tools.platform.native());
        }
    }
}
