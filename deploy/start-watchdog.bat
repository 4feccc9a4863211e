@echo off
rem Runs start-watchdog.ps1 with the same arguments, where scripts are not allowed to run by themselves.
powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0start-watchdog.ps1" %*
exit /b %ERRORLEVEL%
