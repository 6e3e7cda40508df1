# Completion for bash. Written by: sensorvision docs completion
_sensorvision() {
    local word=${COMP_WORDS[COMP_CWORD]} options=
    case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
        'config list') options='--data --json --help' ;;
        'config set') options='--data --json --help' ;;
        'config unset') options='--data --json --help' ;;
        'org create') options='--config --set --data --json --help' ;;
        'org onboard') options='--email --device --config --set --data --json --help' ;;
        'org list') options='--config --set --data --json --help' ;;
        'user add') options='--org --email --role --password --config --set --data --json --help' ;;
        'user passwd') options='--password --config --set --data --json --help' ;;
        'token create') options='--device --org --value --config --set --data --json --help' ;;
        'import legacy') options='--from --dry-run --config --set --data --json --help' ;;
    esac
    [ -n "$options" ] || case "${COMP_WORDS[1]}" in
        'serve') options='--http --mqtt --demo --config --set --data --json --help' ;;
        'check-config') options='--config --set --data --json --help' ;;
        'migrate') options='--status --dry-run --data --json --help' ;;
        'verify') options='--data --json --help' ;;
        'backup') options='--config --set --data --json --help' ;;
        'restore') options='--check --config --set --data --json --help' ;;
        'move') options='--from --to --online --config --set --json --help' ;;
        'cleanup') options='--config --set --data --json --help' ;;
        'import') options='--format --device --time-column --time-format --zone --columns --skip --shift-to-now --batch --org --from-line --dry-run --config --set --data --url --token --user --password --json --help' ;;
        'export') options='--device --format --from --to --org --output --config --set --data --url --token --user --password --json --help' ;;
        'loadtest') options='--users --devices --duration --points-per-day --max-rate --points --batch --variables --organizations --connections --seed --scenario --transport --mqtt --noisy --save --compare --keep --data --url --token --user --password --json --help' ;;
        'version') options='--json --help' ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        options='serve check-config config migrate verify backup restore move cleanup org user token import import export loadtest version'
    fi
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = config ] && options="$options list"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = config ] && options="$options set"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = config ] && options="$options unset"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = org ] && options="$options create"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = org ] && options="$options onboard"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = org ] && options="$options list"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = user ] && options="$options add"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = user ] && options="$options passwd"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = token ] && options="$options create"
    [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = import ] && options="$options legacy"
    COMPREPLY=($(compgen -W "$options" -- "$word"))
    [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- "$word"))
}
complete -F _sensorvision sensorvision
