package dev.sennit.service;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The small shell that runs a command, so that the command's whole tree of processes can be signalled, and ends when
 * the manager ends.
 *
 * <h2>Processes</h2>
 *
 * <pre>
 * manager ──── keeper ──── command ──── what it starts       session and process group of the command
 *    └── pipe ──── watch                                     session of its own, child of process 1
 * </pre>
 *
 * <ul>
 *   <li>The <b>command</b> leads a session and a process group ({@code setsid}). On systems without that program,
 *       signals go to the command alone. A process that starts a session of its own leaves the group, and gets no
 *       signals.
 *   <li>The <b>keeper</b> waits for the command in the foreground: a shell starts background jobs with INT and QUIT
 *       ignored, which no POSIX shell can undo. When the command has ended, the keeper asks the rest of the group to
 *       end, kills the processes that are left at the limit, and exits with the command's exit code. So the whole tree
 *       has ended when the keeper ends, and its output until then is read.
 *   <li>The <b>watch</b> reads the manager's pipe. A letter is an order: T for TERM, H for HUP, K for KILL. The end of
 *       the pipe means that the manager has ended: then the watch ends the group. The watch has a session of its own,
 *       so that no signal to a group stops it. The watch is started by an intermediate process, so that it is not a
 *       child of the command, which may wait for all its children.
 * </ul>
 *
 * <h2>Why letters</h2>
 *
 * <p>Java can signal only single processes, and {@code kill} would need one more process for each signal, which an
 * overloaded machine refuses. A letter needs no process, and its sender need not know the number of the group. The
 * group lives at least as long as the keeper, and the keeper kills the watch before it ends itself. So no letter
 * reaches another group that has got the same number.
 *
 * <p>HUP goes to the command alone, as {@code systemctl reload} sends it: the children of a server that reloads (the
 * workers of gunicorn, for example) die of HUP. TERM and KILL go to the group. CONT follows TERM, as a stopped process
 * handles TERM only when it goes on.
 *
 * <h2>Why no parent death signal</h2>
 *
 * <p>{@code setpriv --pdeathsig} would not replace the pipe: the kernel sends that signal to one process and not to its
 * children, at the death of the thread that started the process, and leaves no time for TERM. It would not add anything
 * either: the pipe ends when the manager dies, whatever the cause.
 *
 * <h2>What the scripts rely on</h2>
 *
 * <p>POSIX, as dash, bash and busybox read it. {@code kill -TERM -N} is what all three understand. The scripts set no
 * variable before the command has started, as they would change an exported variable of the same name. A group whose
 * members are all zombies counts as ended ({@code alive}): in a container process 1 may reap them late or never.
 */
final class Keeper {
    private static final String SHELL = "/bin/sh";
    private static final String ENV = "/usr/bin/env";
    private static final Duration PAUSE = Duration.ofMillis(50);
    /** The names of variables that a shell passes on; a shell may drop variables with other names. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    /** Defines {@code alive TARGET} and {@code end TARGET PAUSES}. A target is a process, or a group with a minus. */
    private static final String ENDING = """
            alive() {
              kill -0 "$1" || return 1
              [ -r /proc/self/stat ] && [ "${1#-}" != "$1" ] || return 0
              for stat in /proc/[0-9]*/stat; do
                read -r line <"$stat" || continue
                set -- "$1" ${line##*) }
                [ "$1" = "-$4" ] && [ "$2" != Z ] && return 0
              done
              return 1
            }
            end() {
              kill -TERM "$1"
              kill -CONT "$1"
              left=$2
              while [ "$left" -gt 0 ] && alive "$1"; do
                sleep 0.05 || sleep 1
                left=$((left - 1))
              done
              kill -KILL "$1"
            }
            """;

    /**
     * Arguments: the scripts of the command and the watch, setsid, the sign of a group, how many pauses to wait when
     * the manager has died and when the command has ended, the command. The first line of output is the command's
     * process id. Messages of the shell about signals do not go to the command's output.
     */
    private static final String KEEPER = ENDING + """
            trap : HUP INT QUIT TERM
            exec 3<&0 4>&1 5>&2 </dev/null 2>/dev/null
            ids=$("$3" /bin/sh -c "$1" sennit-command "$@")
            code=$?
            PATH=/usr/bin:/bin:$PATH
            set -- "$4" "$6" $ids
            [ -n "$1" ] && kill -0 "-$3" && end "-$3" "$2"
            kill -KILL "$4"
            exit "$code"
            """;

    /** Starts the watch, reports the process ids of both to the keeper, and replaces itself by the command. */
    private static final String COMMAND = """
            set -- "$("$3" /bin/sh -c "$2" sennit-watch "$4$$" "$5" "$PPID" <&3 2>/dev/null 3<&- 4>&- 5>&- &)" "$@"
            echo $$ "$1"
            echo $$ >&4
            shift 7
            exec "$@" >&4 2>&5 3<&- 4>&- 5>&-
            """;

    /**
     * Arguments: the target, how many pauses to wait, the keeper. The keeper may have been stopped, with the manager's
     * group.
     */
    private static final String WATCH = ENDING + """
            trap '' HUP INT QUIT TERM
            cd /
            PATH=/usr/bin:/bin:$PATH
            echo $$
            exec >/dev/null
            while read -r letter; do
              case $letter in
              T) kill -TERM "$1"; kill -CONT "$1" ;;
              H) kill -HUP "${1#-}" ;;
              K) kill -KILL "$1" ;;
              esac
            done
            kill -CONT "$3"
            end "$1" "$2"
            """;

    private Keeper() {}

    /**
     * Returns the command line of a keeper.
     *
     * @param command the command to run
     * @param environment the variables with which the keeper is started
     * @param orphanLimit how long the command has to end when the manager has died
     * @param restLimit how long the command's children have to end when the command has ended
     * @param setsid the program that starts a session; null if there is none
     */
    static List<String> commandLine(
            List<String> command,
            Map<String, String> environment,
            Duration orphanLimit,
            Duration restLimit,
            @Nullable Path setsid) {
        List<String> line = new ArrayList<>(List.of(
                SHELL, "-c", KEEPER, "sennit-keeper", COMMAND, WATCH,
                setsid == null ? ENV : setsid.toString(), setsid == null ? "" : "-",
                pauses(orphanLimit), pauses(restLimit)));
        List<String> dropped = new TreeSet<>(environment.keySet())
                .stream().filter(name -> !NAME.matcher(name).matches()).toList();
        if (!dropped.isEmpty()) { // such as spring.datasource.url
            line.add(ENV);
            dropped.forEach(name -> line.add(name + "=" + environment.get(name)));
        }
        line.addAll(command);
        return line;
    }

    private static String pauses(Duration limit) {
        return Long.toString(limit.plus(PAUSE).minusNanos(1).dividedBy(PAUSE));
    }

    /** Returns the program that starts a session, on Linux from util-linux or busybox; null if there is none. */
    static @Nullable Path setsid() {
        return List.of("/usr/bin/setsid", "/bin/setsid").stream()
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }
}
