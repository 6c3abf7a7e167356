"""Windows: Windows Hello asks for a face, a finger or the PIN.

`UserConsentVerifier` is reached from the PowerShell that comes with Windows. Written, not
run: docs/proof.md
https://learn.microsoft.com/uwp/api/windows.security.credentials.ui.userconsentverifier
"""

from pathlib import Path

from entraclaw.bot.presence.asking import run
from entraclaw.errors import ProofRefused

POWERSHELL = Path(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe")

_YES, _NO, _NOT_SET_UP = 0, 1, 2
# The text comes in the environment: nothing in it is read as a script. AsTask makes of a
# WinRT operation something that PowerShell can wait for.
_SCRIPT = f"""
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Runtime.WindowsRuntime
$verifier = [Windows.Security.Credentials.UI.UserConsentVerifier,
    Windows.Security.Credentials.UI, ContentType = WindowsRuntime]
$outcome = [Windows.Security.Credentials.UI.UserConsentVerificationResult,
    Windows.Security.Credentials.UI, ContentType = WindowsRuntime]
$wait = [System.WindowsRuntimeSystemExtensions].GetMethods() | Where-Object {{
    $_.Name -eq 'AsTask' -and $_.IsGenericMethod -and $_.GetParameters().Count -eq 1 -and
    $_.GetParameters()[0].ParameterType.Name -eq 'IAsyncOperation`1'
}} | Select-Object -First 1
$asked = $verifier::RequestVerificationAsync($env:ENTRACLAW_ASKS)
$task = $wait.MakeGenericMethod($outcome).Invoke($null, @($asked))
$task.Wait()
switch ($task.Result.ToString()) {{
    'Verified' {{ exit {_YES} }}
    {{ $_ -in 'Canceled', 'RetriesExhausted' }} {{ exit {_NO} }}
    default {{ exit {_NOT_SET_UP} }}
}}
"""


class WindowsHello:
    """A `Presence` over Windows Hello."""

    @property
    def way(self) -> str:
        """Windows Hello."""
        return "hello"

    def unavailable(self) -> str | None:
        """Say that this is no Windows."""
        return None if POWERSHELL.exists() else "Windows PowerShell is not here"

    async def ask(self, what: str) -> bool:
        """Have Windows Hello ask."""
        environ = {
            "SystemRoot": r"C:\Windows",
            "ENTRACLAW_ASKS": f"Somebody asks your agent to {what}",
        }
        words = [str(POWERSHELL), "-NoProfile", "-NonInteractive", "-Command", _SCRIPT]
        code = await run(words, environ)
        if code not in {_YES, _NO, -1}:
            raise ProofRefused(
                "Windows Hello is not set up, or is turned off",
                hint="set up a PIN in Settings, Accounts, Sign-in options",
            )
        return code == _YES
