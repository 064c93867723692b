package dev.sennit.testing.server;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.machine.OutputReader;
import dev.sennit.internal.machine.ProcessStart;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The small shell that starts a server's programs, and ends them and removes their folder when this JVM closes the
 * shell's input. The JVM's death closes it too, however the JVM dies, so there is one way to end a server and not two.
 *
 * <h2>Processes</h2>
 *
 * <pre>
 * JVM ──── pipe ──── caretaker                 session of its own: no signal of a terminal reaches it
 *                       waiter ──── program    session and process group of the program
 * </pre>
 *
 * <ul>
 *   <li>The <b>caretaker</b> reads lines. {@code run SIGNAL LOG COMMAND...}, quoted for a shell, starts a program;
 *       {@code ended} says that it has ended, so that the caretaker signals no stranger that gets its number. At the
 *       end of the input it sends the program SIGNAL, waits for five seconds, kills what is left of the program's
 *       family, runs the last words, and removes the folder.
 *   <li>A <b>waiter</b> waits for one program. It was started twice removed, as the caretaker could not read and wait.
 *       It kills what is left of the process group of a program that has ended.
 *   <li>The <b>family</b> of a program are its descendants and its process group. Both are needed: a server may give
 *       its processes sessions of their own (PostgreSQL), and a child whose parent has ended is nobody's descendant.
 *       Each member is remembered with its start time, as its number may be another process's later.
 * </ul>
 *
 * <p>Answers are lines: {@code pid N} once a program runs, {@code exit N} when it has ended.
 *
 * <p>The scripts rely on POSIX and {@code /proc}, as dash, bash and busybox have them. Where there is no {@code /proc},
 * the program alone is the family.
 */
final class Caretaker {
    /**
     * A file in the folder, if there is one: a script that removes what a server leaves elsewhere when it is killed.
     */
    static final String LAST_WORDS = "last-words";

    private static final String SCRIPT = """
            trap : HUP INT QUIT TERM
            exec 3>&1
            folder=$1 setsid=$2 pid=
            look() {
              line=
              { read -r line <"/proc/$1/stat"; } 2>/dev/null
              [ -n "$line" ] || return 1
              set -- ${line##*) }
              parent=$2 group=$3 since=${20}
            }
            family() {
              pids=" $1 "
              grown=1
              while [ -n "$grown" ]; do
                grown=
                for other in /proc/[0-9]*; do
                  other=${other#/proc/}
                  case $pids in *" $other "*) continue ;; esac
                  look "$other" || continue
                  case $pids in *" $parent "*) ;; *) [ "$group" = "$1" ] || continue ;; esac
                  pids="$pids$other "
                  grown=1
                done
              done
              for other in $pids; do
                look "$other" && members="$members $other:$since"
              done
            }
            end() {
              members=
              family "$pid"
              kill "-$signal" "$pid"
              for member in $members; do kill -CONT "${member%:*}"; done
              left=100
              while [ "$left" -gt 0 ] && kill -0 "$pid"; do
                sleep 0.05 || sleep 1
                left=$((left - 1))
              done
              family "$pid"
              kill -KILL "$pid"
              for member in $members; do
                look "${member%:*}" && [ "$since" = "${member#*:}" ] && kill -KILL "${member%:*}"
              done
            }
            while read -r order; do
              eval "set -- $order"
              case $1 in
              run)
                signal=$2 log=$3
                shift 3
                pid=$(
                  {
                    "$setsid" "$@" </dev/null >>"$log" 2>&1 3>&- &
                    echo $!
                    exec >&-
                    wait $!
                    code=$?
                    kill -KILL "-$!" 2>/dev/null
                    echo "exit $code" >&3
                  } &
                )
                echo "pid $pid"
                ;;
              ended) pid= ;;
              esac
            done
            exec 2>/dev/null
            [ -z "$pid" ] || end
            [ ! -f "$folder/last-words" ] || (cd "$folder" && . ./last-words)
            for try in 1 2 3 4 5; do
              rm -rf "$folder" && break
              sleep 0.2 || sleep 1
            done
            [ ! -e "$folder" ]
            """;

    /** A shell answers at once, but the machine may be busy. */
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(30);
    /** Longer than the caretaker itself waits. */
    private static final Duration END_LIMIT = Duration.ofSeconds(30);

    private final Path folder;
    private final Process shell;
    private final OutputStream orders;
    private final OutputReader output;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by lock. The program that was started last; 0 until it has a number. */
    private long pid;
    /** Guarded by lock. Null while the program runs. */
    private @Nullable Integer exitCode;

    /**
     * Starts the shell.
     *
     * @param name for the names of threads
     * @param folder removed in the end
     */
    Caretaker(String name, Path folder) throws IOException {
        this.folder = folder;
        Path setsid = Programs.ofSystem("setsid");
        String session = setsid == null ? "/usr/bin/env" : setsid.toString();
        var builder =
                new ProcessBuilder(session, "/bin/sh", "-c", SCRIPT, "sennit-caretaker", folder.toString(), session);
        builder.directory(folder.toFile());
        environmentOf(builder.environment());
        shell = ProcessStart.start(builder);
        orders = shell.getOutputStream();
        try {
            output = new OutputReader("sennit-" + name, shell, this::take);
        } catch (Throwable e) {
            orders.close();
            throw e;
        }
    }

    /** A server must not do what the environment of whoever runs the tests says: {@code PGPORT}, {@code ERL_FLAGS}. */
    private void environmentOf(Map<String, String> environment) {
        environment.keySet().retainAll(List.of("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ"));
        environment.merge("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                (own, usual) -> own + ":" + usual);
        environment.put("HOME", folder.toString());
        environment.put("LC_ALL", "C.UTF-8");
    }

    private void take(boolean error, String line) {
        String[] words = line.split(" ");
        if (error || words.length != 2 || !words[1].matches("\\d{1,18}")) {
            return; // what the shell says of a failure, which OutputReader remembers
        }
        lock.lock();
        try {
            if (words[0].equals("pid")) {
                pid = Long.parseLong(words[1]);
            } else if (words[0].equals("exit")) {
                exitCode = Integer.parseInt(words[1]);
                order("ended");
            }
            changed.signalAll();
        } catch (IOException e) {
            changed.signalAll(); // the caretaker ends too, and everything with it
        } finally {
            lock.unlock();
        }
    }

    /** Needs the lock. */
    private void order(String line) throws IOException {
        orders.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        orders.flush();
    }

    /**
     * Starts a program. Returns when its process is there.
     *
     * @param signal what ends it at once, without what it would leave when it is killed
     * @param log gets what it writes
     * @param command the program with its arguments
     * @return its process id
     */
    long start(String signal, Path log, List<String> command) throws IOException, InterruptedException {
        Deadline deadline = Deadline.in(ANSWER_LIMIT);
        lock.lock();
        try {
            pid = 0;
            exitCode = null;
            order("run " + signal + " " + quoted(log.toString()) + " "
                    + command.stream().map(Caretaker::quoted).collect(Collectors.joining(" ")));
            while (pid == 0) {
                if (deadline.isOver() || !shell.isAlive()) {
                    throw new IOException("the shell that keeps a server does not answer: see whether there is room for"
                            + " more processes, and whether /bin/sh works" + said());
                }
                changed.awaitNanos(Math.min(deadline.left(), TimeUnit.SECONDS.toNanos(1)));
            }
            return pid;
        } finally {
            lock.unlock();
        }
    }

    private static String quoted(String word) {
        if (word.contains("\n")) {
            throw new IllegalArgumentException("a command of a server must be one line, was \"" + word + "\"");
        }
        return "'" + word.replace("'", "'\\''") + "'";
    }

    private String said() {
        return output.lastLines().stream().map(line -> "; " + line).collect(Collectors.joining());
    }

    /**
     * Waits for the end of the program that was started last.
     *
     * @return null if the time was over first
     */
    @Nullable Integer awaitExit(Deadline deadline) throws InterruptedException {
        lock.lock();
        try {
            while (exitCode == null && !deadline.isOver()) {
                changed.awaitNanos(deadline.left());
            }
            return exitCode;
        } finally {
            lock.unlock();
        }
    }

    /** Waits a little, for what no process tells. */
    void pause(Duration length) throws InterruptedException {
        Deadline deadline = Deadline.in(length);
        lock.lock();
        try {
            while (!deadline.isOver()) {
                changed.awaitNanos(deadline.left());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether a program runs. */
    boolean isRunning() {
        lock.lock();
        try {
            return pid != 0 && exitCode == null;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the program if it runs, and removes the folder. */
    void close() throws IOException {
        orders.close();
        boolean interrupted = false;
        try {
            Deadline deadline = Deadline.in(END_LIMIT);
            while (!deadline.isOver()) {
                try {
                    if (shell.waitFor(deadline.left(), TimeUnit.NANOSECONDS)) {
                        break;
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        if (shell.isAlive() || shell.exitValue() != 0) {
            shell.destroyForcibly();
            throw new IOException("the folder of a server cannot be removed: see what uses " + folder
                    + ", and remove it" + said());
        }
    }
}
