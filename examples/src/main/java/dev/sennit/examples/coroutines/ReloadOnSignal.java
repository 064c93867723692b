package dev.sennit.examples.coroutines;

import dev.sennit.loop.EventLoop;
import dev.sennit.loop.Signals;
import dev.sennit.loop.Subprocess;

/**
 * A program that reads its settings again on {@code USR1} and ends in good order on {@code TERM}; it sends them to
 * itself.
 */
public final class ReloadOnSignal {
    private ReloadOnSignal() {}

    private static void sendMyself(String signal) throws Exception {
        try (Subprocess kill = Subprocess.start(
                new ProcessBuilder("kill", "-" + signal, String.valueOf(ProcessHandle.current().pid())))) {
            kill.waitFor();
        }
    }

    public static void main(String[] arguments) {
        EventLoop.run(() -> {
            try (Signals signals = Signals.open("USR1", "TERM")) {
                sendMyself("USR1");
                for (String signal : signals.channel()) {
                    if (signal.equals("TERM")) {
                        System.out.println("ends in good order");
                        break;
                    }
                    System.out.println("reads its settings again");
                    sendMyself("TERM");
                }
            }
            return null;
        });
    }
}
