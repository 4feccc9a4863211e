<#
.SYNOPSIS
Runs the API under the watchdog on this machine, without Docker.

.DESCRIPTION
Builds the watchdog and the API where their code has changed, looks whether they can run here, and runs the API under the watchdog
until Ctrl-C. Windows hands no socket on to other processes, so there is one worker here, which binds the port itself, and a restart
refuses connections for as long as the program takes to start. On Linux and macOS use start-watchdog.sh.

Settings come from the environment, then from .env in this repository, then from the defaults: this machine only, port 8000, logs in
logs\, the watchdog's own page on http://127.0.0.1:9095.

.PARAMETER NoBuild
Take the programs in bin\ as they are.

.PARAMETER Port
The port of the API.

.PARAMETER Options
More options of watchdog run: --restart-max 5 --max-memory 512MiB ...

.EXAMPLE
deploy\start-watchdog.ps1 -Port 8080
#>
[CmdletBinding()]
param(
    [switch] $NoBuild,
    [int] $Port = 0,
    [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Options = @()
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
$bin = Join-Path $root 'bin'
$watchdog = Join-Path $bin 'watchdog.exe'
$api = Join-Path $bin 'api.exe'

function Stop-Here([string] $Why) {
    [Console]::Error.WriteLine("start-watchdog: $Why")
    exit 1
}

# Set-Default gives a variable of the environment a value, unless it has one.
function Set-Default([string] $Name, [string] $Value) {
    if (-not [Environment]::GetEnvironmentVariable($Name)) { [Environment]::SetEnvironmentVariable($Name, $Value) }
}

$file = Join-Path $root '.env'
if (Test-Path $file) {
    $given = @([Environment]::GetEnvironmentVariables().Keys)
    foreach ($line in Get-Content $file -Encoding UTF8) {
        if ($line -notmatch '^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$') { continue }
        $name = $Matches[1]
        $value = $Matches[2]
        if ($value -match '^"([^"]*)"' -or $value -match "^'([^']*)'") { $value = $Matches[1] } else { $value = ($value -replace '\s#.*$', '').Trim() }
        if ($given -notcontains $name) { [Environment]::SetEnvironmentVariable($name, $value) } # the last of a name counts
    }
}
if ($Port) { [Environment]::SetEnvironmentVariable('PORT', "$Port") }
Set-Default 'PORT' '8000'
Set-Default 'LISTEN_HOST' '127.0.0.1'
Set-Default 'ENVIRONMENT' 'development'
Set-Default 'JSON_LOGS' 'false'
Set-Default 'LOG_DIR' (Join-Path $root 'logs')
Set-Default 'WATCHDOG_LISTEN' '127.0.0.1:9095'

if (-not $NoBuild) {
    $wanted = [version]((Select-String -Path (Join-Path $root 'go.work') -Pattern '^go (.+)$').Matches[0].Groups[1].Value)
    if (-not (Get-Command go -ErrorAction SilentlyContinue)) {
        Stop-Here "Go is missing: install Go $wanted or newer from https://go.dev/dl, or run the whole stack in Docker: docker compose up -d"
    }
    Push-Location ([IO.Path]::GetTempPath()) # outside of the repository, where go.work does not ask for another version
    $have = [version]((go env GOVERSION) -replace '^go([0-9.]+).*$', '$1')
    $toolchain = go env GOTOOLCHAIN
    Pop-Location
    # Where it may, Go fetches a newer Go by itself.
    if ($have -lt $wanted -and (-not $toolchain -or $toolchain -eq 'local')) {
        Stop-Here "Go $have is too old: install Go $wanted or newer from https://go.dev/dl"
    }
    $env:GOWORK = 'off'
    $env:CGO_ENABLED = '0'
    foreach ($service in 'watchdog', 'api') {
        go -C (Join-Path $root "services/$service") build -trimpath -o (Join-Path $bin "$service.exe") .
        if ($LASTEXITCODE) { Stop-Here "services/$service cannot be built, see above" }
    }
    Remove-Item Env:GOWORK, Env:CGO_ENABLED
}
elseif (-not (Test-Path $watchdog)) {
    Stop-Here 'there is no bin\watchdog.exe: run it once without -NoBuild'
}

foreach ($address in @(@($env:PORT, 'PORT or -Port'), @(($env:WATCHDOG_LISTEN -replace '^.*:', ''), 'WATCHDOG_LISTEN'))) {
    $client = New-Object Net.Sockets.TcpClient
    try {
        $client.Connect('127.0.0.1', [int] $address[0])
        Stop-Here "port $($address[0]) is taken, perhaps by another watchdog: stop it, or set $($address[1])"
    }
    catch [Net.Sockets.SocketException] {} # nobody listens
    finally { $client.Dispose() }
}
New-Item -ItemType Directory -Force -Path $env:LOG_DIR | Out-Null

& $watchdog run --workers 1 --port-env PORT @Options -- $api
exit $LASTEXITCODE
