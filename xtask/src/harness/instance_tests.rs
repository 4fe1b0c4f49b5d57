use super::*;
use tempfile::TempDir;

fn instance(ephemeral: bool) -> (TempDir, Instance) {
    let base = tempfile::tempdir().unwrap();
    let instance = Instance::create(base.path(), "one", ephemeral).unwrap();
    (base, instance)
}

fn sleep() -> Command {
    let mut command = Command::new("sleep");
    command.arg("60");
    command
}

#[test]
fn the_record_survives_a_round_trip() {
    let (base, instance) = instance(true);
    instance.spawn("sleeper", sleep().env("KEY", "value").env_remove("OTHER")).unwrap();
    instance
        .update(|record| {
            record.ready = true;
            record.etcd_port = Some(2379);
            record.api_servers.insert("kube-apiserver".to_owned(), 6443);
            record.tools.insert("kubectl".to_owned(), PathBuf::from("/usr/bin/kubectl"));
        })
        .unwrap();
    let record = instance.record().unwrap();
    let again: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    assert_eq!(record, again);
    assert_eq!(record, Instance::open(base.path(), "one").unwrap().record().unwrap());
    assert!(!record.orphaned(), "we own it and live");
    instance.destroy(Duration::ZERO, false).unwrap();
    assert!(!instance.dir().exists());
}

#[test]
fn a_process_whose_pid_was_never_written_is_still_ended() {
    let (_base, instance) = instance(false);
    let identity = instance.spawn("sleeper", &sleep()).unwrap();
    instance.update(|record| record.processes[0].identity = None).unwrap();
    assert!(instance.process("sleeper").unwrap().alive());
    instance.destroy(Duration::ZERO, false).unwrap();
    assert!(!identity.alive());
}

#[test]
fn kill_restart_and_pause() {
    let (_base, instance) = instance(false);
    let first = instance.spawn("sleeper", &sleep()).unwrap();
    assert!(instance.spawn("sleeper", &sleep()).unwrap_err().to_string().contains("runs already"));
    instance.kill9("sleeper").unwrap();
    assert!(!first.alive());
    let second = instance.restart("sleeper").unwrap();
    instance.pause("sleeper").unwrap();
    let third = instance.restart("sleeper").unwrap();
    assert!(!second.alive() && third.alive());
    assert_eq!(instance.record().unwrap().processes.len(), 1);
    instance.destroy(GRACE, true).unwrap();
    assert!(!third.alive());
    let left: Vec<_> = fs::read_dir(instance.dir()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["logs"]);
}

#[test]
fn an_instance_whose_owner_is_gone_is_an_orphan() {
    let (_base, instance) = instance(true);
    instance
        .update(|record| {
            if let Some(owner) = &mut record.owner {
                owner.start_ticks += 1;
            }
        })
        .unwrap();
    assert!(instance.record().unwrap().orphaned());
}

#[test]
fn names_that_could_leave_the_directory_are_refused() {
    let base = tempfile::tempdir().unwrap();
    for name in ["", "..", "a/b", "-a", "A", &"a".repeat(41)] {
        assert!(Instance::create(base.path(), name, false).is_err(), "{name}");
    }
}
