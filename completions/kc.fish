# fish completion of kc-produce, kc-consume, kc-topics, kc-lag, kc-dlq, kc-replay and
# kc-broker. Options and verbs are what the program itself says; topics and
# groups are asked for, briefly.

# The names that a tool lists.
function __kc_names -a tool verb
    set -l words (commandline -opc)
    set -l where
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -b -F --brokers --bootstrap-server --profile --config --properties-file
                set where $where $words[$i] $words[(math $i + 1)]
        end
    end
    timeout 0.5 $tool $verb -q $where 2>/dev/null </dev/null | cut -f 1
end

function __kc_topics
    __kc_names kc-topics list
end

function __kc_groups
    __kc_names kc-lag list
end

function __kc_jobs
    __kc_names kc-replay jobs
end

# Of the configuration file that the line names, or the usual one.
function __kc_profiles
    set -l words (commandline -opc)
    set -l config
    for i in (seq 2 (count $words))
        test $words[$i] = --config; and set config --config $words[(math $i + 1)]
    end
    kc-topics -X profiles $config 2>/dev/null
end

# True when one of the verbs stands on the line, or with "-" when none does.
function __kc_verb
    set -l words (commandline -opc)
    if test "$argv[1]" = -
        for verb in $argv[2..-1]
            contains -- $verb $words[2..-1]; and return 1
        end
        return 0
    end
    contains -- $argv[1] $words[2..-1]
end

function __kc_register -a tool
    set -l rows ($tool --dump-options 2>/dev/null); or return
    set -l verbs
    for row in $rows
        set -l f (string split \t -- $row)
        test $f[1] = command; and set verbs $verbs $f[2]
    end
    complete -c $tool -f
    for row in $rows
        set -l f (string split \t -- $row)
        if test $f[1] = command
            complete -c $tool -n "__kc_verb - $verbs" -a $f[2] -d "$f[4]"
            continue
        end
        test "$f[7]" = -; and continue
        set -l rule -c $tool -l (string sub -s 3 -- $f[4]) -d "$f[7]"
        test $f[2] = -; or set rule $rule -n "__kc_verb $f[2]; or __kc_verb - $verbs"
        test $f[3] = -; or set rule $rule -s (string sub -s 2 -- $f[3])
        switch $f[5]
            case -
            case 'TOPIC*'
                set rule $rule -x -a '(__kc_topics)'
            case 'GROUP*'
                set rule $rule -x -a '(__kc_groups)'
            case 'JOB*'
                set rule $rule -x -a '(__kc_jobs)'
            case PROFILE CLUSTER
                set rule $rule -x -a '(__kc_profiles)'
            case WHERE
                set rule $rule -x -a 'beginning end stored'
            case '*FILE*' '*DIR*'
                set rule $rule -r -F
            case '*'
                set rule $rule -x
                test $f[6] = -; or set rule $rule -a (string replace -a , ' ' -- $f[6])
        end
        complete $rule
    end
    switch $tool
        case kc-broker
            complete -c $tool -n 'contains -- -- (commandline -opc)' -a '(__fish_complete_command)'
        case kc-lag
            complete -c $tool -n 'not __kc_verb import' -a '(__kc_groups)'
            complete -c $tool -n '__kc_verb import' -F
        case kc-replay
            complete -c $tool -n "__kc_verb - $verbs; or __kc_verb run; or __kc_verb export" -a '(__kc_topics)'
            for verb in resume status verify pause
                complete -c $tool -n "__kc_verb $verb" -a '(__kc_jobs)'
            end
            complete -c $tool -n '__kc_verb import' -a '(__fish_complete_directories)'
        case kc-produce
            complete -c $tool -F -a '(__kc_topics)'
        case kc-consume
            complete -c $tool -a '(__kc_topics)'
        case '*'
            for verb in $verbs
                complete -c $tool -n "__kc_verb $verb" -a '(__kc_topics)'
            end
    end
end

# Installed under each tool's name, fish loads it for that tool only.
set -l tools kc-produce kc-consume kc-topics kc-lag kc-dlq kc-replay kc-broker
set -l own (string replace -r '\.fish$' '' -- (status basename))
contains -- $own $tools; and set tools $own
for tool in $tools
    type -q $tool; and __kc_register $tool
end
