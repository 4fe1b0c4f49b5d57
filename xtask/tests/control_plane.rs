//! Real control planes: two side by side, crashes of their parts and of their owner.

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use xtask::harness::{
    self, Builder, ControlPlane, Environment, Health, PRIMARY_API_SERVER, Toolchain, User, wait_until,
};

/// `None`, with the reason printed, where there is nothing to run and nobody insists.
fn toolchain() -> Result<Option<Toolchain>> {
    let set = |name, value| std::env::var(name).is_ok_and(|found| found == value);
    let found = Toolchain::find(&Environment::current()?)?;
    if found.is_none() {
        if set("CI", "true") || set("SNC_E2E", "1") {
            bail!("the tools of a control plane are not there; `cargo xtask test --only tools` gets them");
        }
        println!("SKIPPED(no tools; `cargo xtask test --only tools` gets them)");
    }
    Ok(found)
}

fn whoami(control_plane: &ControlPlane, user: User) -> Result<String> {
    let args = ["auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}"];
    control_plane.client(user)?.kubectl_ok(args)
}

fn namespaces(control_plane: &ControlPlane) -> Result<String> {
    control_plane.client(User::Platform)?.kubectl_ok(["get", "namespaces", "-o", "name"])
}

#[test]
fn two_side_by_side_know_their_users_and_end_with_their_handles() -> Result<()> {
    let Some(toolchain) = toolchain()? else { return Ok(()) };
    let base = tempfile::tempdir()?;
    let start = || Builder::ephemeral("pair")?.base(base.path()).start(&toolchain);
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(start);
        let two = start();
        (one.join(), two)
    });
    let (one, two) = (one.expect("the thread did not panic")?, two?);

    assert_eq!(whoami(&one, User::Platform)?, r#"platform-admin ["platform-admins","system:authenticated"]"#);
    assert_eq!(whoami(&one, User::Alice)?, r#"alice ["tenant-boutique-owners","system:authenticated"]"#);
    assert_eq!(whoami(&two, User::Bruno)?, r#"bruno ["tenant-atelier-owners","system:authenticated"]"#);
    assert_eq!(whoami(&two, User::Mallory)?, r#"mallory ["system:authenticated"]"#);
    let refused = two.kubectl(User::Mallory, ["get", "namespaces"])?;
    assert!(refused.stderr.contains("forbidden"), "{refused:?}");

    two.client(User::Platform)?.kubectl_ok(["create", "namespace", "only-in-two"])?;
    assert!(!namespaces(&one)?.contains("only-in-two"), "they share nothing");

    let token = two.token_kubeconfig("default", "default", Duration::from_secs(600))?;
    let answer = two.client_with(&token)?.kubectl(["get", "secrets"])?;
    assert!(answer.stderr.contains("system:serviceaccount:default:default"), "{answer:?}");

    let processes = two.instance().record()?.processes;
    let directory = two.dir().to_path_buf();
    drop(two);
    assert!(processes.iter().all(|process| !process.alive()) && !directory.exists());
    assert!(namespaces(&one)?.contains("default"), "the other one is untouched");
    Ok(())
}

#[test]
fn parts_crash_and_come_back() -> Result<()> {
    let Some(toolchain) = toolchain()? else { return Ok(()) };
    let base = tempfile::tempdir()?;
    let builder = Builder::ephemeral("crash")?.base(base.path());
    let control_plane = builder.api_server_arg("--max-requests-inflight=500").start(&toolchain)?;
    let instance = control_plane.instance();
    let name = instance.record()?.name;

    control_plane.add_api_server("second", &["--v=1"])?;
    let second = control_plane.kubeconfig_at(User::Platform, "second")?;
    let second = control_plane.client_with(&second)?;
    second.kubectl_ok(["create", "namespace", "through-the-second"])?;
    assert!(namespaces(&control_plane)?.contains("through-the-second"));

    instance.kill9(PRIMARY_API_SERVER)?;
    assert_eq!(harness::report(base.path(), &name).health, Health::Degraded);
    assert!(!control_plane.kubectl(User::Platform, ["get", "namespaces"])?.success());
    second.kubectl_ok(["get", "namespaces"])?;

    instance.restart(PRIMARY_API_SERVER)?;
    control_plane.wait_ready()?;
    assert!(namespaces(&control_plane)?.contains("through-the-second"));
    let args = instance.process(PRIMARY_API_SERVER)?.spec.args;
    assert!(args.contains(&"--max-requests-inflight=500".to_owned()), "it comes back as it was");
    assert_eq!(harness::report(base.path(), &name).health, Health::Up);
    control_plane.stop()?;
    Ok(())
}

fn xtask(base: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env("SNC_INSTANCES_DIR", base);
    command
}

#[test]
fn what_a_killed_owner_leaves_is_found_and_ended() -> Result<()> {
    if toolchain()?.is_none() {
        return Ok(());
    }
    let base = tempfile::tempdir()?;
    let mut owner = xtask(base.path());
    owner.args(["up", "--foreground", "--name", "owned"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut owner = owner.spawn()?;
    let health = || harness::report(base.path(), "owned").health;
    wait_until("the control plane", Duration::from_secs(120), Duration::from_millis(100), || {
        Ok((health() == Health::Up).then_some(()))
    })?;
    let record = ControlPlane::attach_in(base.path(), "owned")?.instance().record()?;

    kill_process(Pid::from_child(&owner), Signal::KILL)?;
    owner.wait()?;
    assert_eq!(health(), Health::Orphaned);
    assert!(record.processes.iter().all(harness::ProcessRecord::alive));
    let status = xtask(base.path()).arg("status").output()?;
    assert!(String::from_utf8_lossy(&status.stdout).contains("ORPHAN"), "{status:?}");

    let down = xtask(base.path()).args(["down", "--orphans"]).output()?;
    assert_eq!(String::from_utf8_lossy(&down.stdout), "ended owned\n", "{down:?}");
    assert!(record.processes.iter().all(|process| !process.alive()));
    assert_eq!(std::fs::read_dir(base.path())?.count(), 0);
    Ok(())
}
