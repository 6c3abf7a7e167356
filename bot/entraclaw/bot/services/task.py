"""The task that has Windows' Task Scheduler run a profile's daemon while its user is logged in.

The scheduler's own restarts are for what cannot be started; how a program ended it does not
judge. So the keeper does. Pure.

Contract: https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
"""

import subprocess
from xml.sax.saxutils import escape

from entraclaw.bot.services import tag
from entraclaw.bot.services.program import Program

_TEXT = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Source>entraclaw</Source>
    <Description>Entraclaw, profile {profile}. `entraclaw service remove` takes it out.\
</Description>
    <Documentation>{tag}</Documentation>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""


def render(program: Program, user: str) -> str:
    r"""Write the task of *program* for *user*, who is ``DOMAIN\name``."""
    command, *words = program.words
    text = _TEXT.format(
        profile=escape(program.profile),
        tag=tag.HERE,
        user=escape(user),
        command=escape(command),
        arguments=escape(subprocess.list2cmdline(words)),
    )
    return tag.signed(text, program)
