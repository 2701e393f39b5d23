//! Commands on folders where nothing is, and where something is already.

use crate::program::Folder;

#[test]
fn init_writes_three_files_and_overwrites_none() {
    let folder = Folder::empty();
    folder.succeed(&["init", "new/one"]);
    let files = [
        ("controller.json", include_str!("golden/controller.json")),
        ("resource.json", include_str!("golden/resource.json")),
        ("manager", include_str!("golden/manager")),
    ];
    for (name, text) in files {
        assert_eq!(folder.read(&format!("new/one/{name}")), text, "{name}");
    }
    folder.write("new/one/resource.json", "mine");
    std::fs::remove_file(folder.path().join("new/one/manager")).unwrap();
    let said = folder.fail(&["init", "new/one"]);
    assert!(
        said.contains("new/one/controller.json, new/one/resource.json: there already"),
        "{said}"
    );
    assert_eq!(folder.read("new/one/resource.json"), "mine");
    assert!(!folder.path().join("new/one/manager").exists());
}

#[cfg(unix)]
#[test]
fn the_manager_of_init_can_be_executed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::furnished();
    let metadata = std::fs::metadata(folder.path().join("manager")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o111, 0o111);
}

#[test]
fn on_an_empty_folder_commands_say_which_files_are_missing() {
    let folder = Folder::empty();
    for arguments in [
        &["validate"][..],
        &["deploy"],
        &["exec", "--process", "./manager", "--sandbox"],
    ] {
        let said = folder.fail(arguments);
        for file in ["controller.json", "resource.json"] {
            let line = format!("error: {file}: $: it cannot be read: ");
            assert!(
                said.contains(&line) && said.contains("kopfrs init"),
                "{arguments:?}: {said}"
            );
        }
    }
    assert_eq!(
        folder.succeed(&["version"]),
        concat!("kopfrs ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert_eq!(folder.run(&["nonsense"]).status.code(), Some(2));
}
