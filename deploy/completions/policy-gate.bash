# SPDX-License-Identifier: Apache-2.0
# Written by deploy/man/generate.
# shellcheck shell=bash
_policy_gate() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local options='' formats=''

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'check inspect scan diff baseline explain lint test serve certs version --help --version' -- "$cur")
        return
    fi
    case ${COMP_WORDS[1]} in
    check)
        options='--against --as --baseline --config --dockerfile --fail-on --help --namespace --policy --timeout -f -o'
        formats='table json ndjson sarif junit github gitlab markdown html baseline' ;;
    inspect)
        options='--base --config --help --timeout -o'
        formats='table json' ;;
    scan)
        options='--against --baseline --config --fail-on --help --namespace --policy --timeout -f -o'
        formats='table json html' ;;
    diff)
        options='--base --config --help --max-growth --timeout -o'
        formats='table json' ;;
    baseline)
        options='--against --as --baseline --config --dockerfile --fail-on --help --namespace --policy --timeout -f -o'
        formats='table json ndjson sarif junit github gitlab markdown html baseline' ;;
    explain)
        options='--help -o'
        formats='text markdown schema' ;;
    lint)
        options='--help --policy'
        formats='' ;;
    test)
        options='--help -o'
        formats='text junit' ;;
    serve)
        options='--client-ca --client-name --config --help --listen --log-level --metrics-listen --no-sandbox --policy --shutdown-delay --tls-cert --tls-key --workloads'
        formats='' ;;
    certs)
        options='--ca-days --ca-file --ca-secret --days --dir --dns --force --help --ip --namespace --now --overlap --secret --server --service --timeout --token-file --webhook -o'
        formats='text json pem base64' ;;
    version)
        options='--help'
        formats='' ;;
    esac
    case $prev in
    -o)
        mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$cur")
        return ;;
    --now)
        mapfile -t COMPREPLY < <(compgen -W 'ca leaf' -- "$cur")
        return ;;
    --fail-on)
        mapfile -t COMPREPLY < <(compgen -W 'warn deny never' -- "$cur")
        return ;;
    --log-level)
        mapfile -t COMPREPLY < <(compgen -W 'debug info warn error' -- "$cur")
        return ;;
    --workloads)
        mapfile -t COMPREPLY < <(compgen -W 'deny warn' -- "$cur")
        return ;;
    --as|--base|--ca-days|--ca-secret|--client-name|--days|--dns|--ip|--listen|--max-growth|--metrics-listen|--namespace|--overlap|--secret|--server|--service|--shutdown-delay|--timeout|--webhook)
        return ;;
    esac
    case $cur in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    esac
}
complete -o filenames -F _policy_gate policy-gate
