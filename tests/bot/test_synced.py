"""Which folders a service copies elsewhere, on three systems."""

import pytest

from entraclaw.bot.synced import synced

WINDOWS = {"OneDriveCommercial": r"D:\Work\Contoso"}


@pytest.mark.parametrize(
    ("platform", "folder", "service"),
    [
        ("win32", r"C:\Users\ada\OneDrive\entraclaw", "OneDrive"),
        ("win32", r"C:\Users\ada\OneDrive - Contoso\x", "OneDrive"),
        ("win32", r"d:\work\contoso\entraclaw", "OneDrive"),
        ("win32", r"C:\Users\ada\Dropbox (Personal)\x", "Dropbox"),
        ("win32", r"G:\My Drive\entraclaw", "Google Drive"),
        ("win32", r"C:\Users\ada\iCloudDrive\x", "iCloud Drive"),
        ("win32", r"C:\Users\ada\Nextcloud\x", "Nextcloud"),
        ("darwin", "/Users/ada/Library/CloudStorage/OneDrive-Contoso/x", "OneDrive"),
        ("darwin", "/Users/ada/Library/CloudStorage/GoogleDrive-a@b.c/My Drive", "Google Drive"),
        ("darwin", "/Users/ada/Library/CloudStorage/Dropbox/x", "Dropbox"),
        ("darwin", "/Users/ada/Library/CloudStorage/Box-Box/x", "a cloud storage"),
        (
            "darwin",
            "/Users/ada/Library/Mobile Documents/com~apple~CloudDocs/x",
            "iCloud Drive",
        ),
        ("darwin", "/Users/ada/dropbox/x", "Dropbox"),
        ("linux", "/home/ada/OneDrive/x", "OneDrive"),
        ("linux", "/home/ada/Dropbox", "Dropbox"),
        ("linux", "/home/ada/Nextcloud/x", "Nextcloud"),
        ("linux", "/run/user/1000/gvfs/google-drive:host=b.c,user=a/x", "Google Drive"),
    ],
)
def test_folder_of_a_service_is_found(platform: str, folder: str, service: str) -> None:
    assert synced(folder, platform, WINDOWS) == service


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("win32", r"C:\Users\ada\AppData\Local\entraclaw"),
        ("win32", r"D:\Work\Contoso2\entraclaw"),
        ("win32", r"C:\Users\ada\My Drive"),
        ("darwin", "/Users/ada/Library/Application Support/entraclaw"),
        ("linux", "/home/ada/.local/share/entraclaw"),
        ("linux", "/srv/nextcloud/data"),
        ("linux", "/home/ada/my-OneDrive-notes/x"),
    ],
)
def test_folder_that_stays_here_is_none(platform: str, folder: str) -> None:
    assert synced(folder, platform, WINDOWS) == ""
