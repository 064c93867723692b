package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import dev.sennit.internal.SystemSignals;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Signals that the system sends to JVMs of their own; not {@code HUP}, which whoever runs the tests may have ignored
 * for all of them.
 */
@Timeout(120)
@EnabledOnOs({OS.LINUX, OS.MAC})
class SignalsIT {
    private static final Duration LONG = Duration.ofDays(1);

    /** What is sent signals. */
    static final class Receiver {
        private Receiver() {}

        public static void main(String[] arguments) throws Exception {
            switch (arguments[0]) {
                case "loop" -> {
                    var mechanism = EventLoop.Mechanism.valueOf(arguments[1]);
                    try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
                        loop.submit(Receiver::receiveUntilTerm).join();
                        say("over");
                        loop.submit(() -> {
                            EventLoop.sleep(LONG);
                            return null;
                        });
                    }
                }
                case "thread" -> receiveUntilTerm();
                case "held" -> EventLoop.run(Receiver::holdTheLoop);
                case "two" -> listenTwice();
                case "unclosed" -> {
                    EventLoop.run(() -> Signals.open("TERM"));
                    say("ended");
                    Thread.sleep(LONG);
                }
                case "others" -> takeAndGiveBack();
                case "late" -> putBackTooLate();
                case "refused" -> sayWhatIsRefused();
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        }

        private static void say(Object what) {
            System.out.println(what);
        }

        private static Void receiveUntilTerm() {
            try (Signals signals = Signals.open("USR2", "USR1", "WINCH", "TERM")) {
                say(signals);
                for (String signal : signals.channel()) {
                    say("got " + signal);
                    if (signal.equals("TERM")) {
                        break;
                    }
                }
            }
            return null;
        }

        private static Void holdTheLoop() throws Exception {
            try (Signals signals = Signals.open("USR2", "USR1")) {
                say("held");
                System.in.read(); // blocks the loop
                var received = new TreeSet<String>();
                while (received.size() < 2) { // each may have been received before it came again
                    received.add(signals.channel().receive());
                }
                say("received " + received);
            }
            return null;
        }

        private static void listenTwice() throws Exception {
            try (Signals all = Signals.open("USR2", "USR1")) {
                try (Signals one = Signals.open("USR2")) {
                    say("ready");
                    say("one " + one.channel().receive());
                    say("all " + all.channel().receive());
                }
                say("again");
                say("all " + all.channel().receive());
            }
        }

        /** Somebody else handles the signal before, and another one takes it away. */
        private static void takeAndGiveBack() throws Exception {
            SystemSignals.handle("USR1", saying("first"));
            Signals ours = Signals.open("USR1");
            say("ours " + awaitOne(ours));
            ours.close();
            say("closed");
            System.in.read();
            ours = Signals.open("USR1");
            SystemSignals.Handled third = SystemSignals.handle("USR1", saying("third"));
            ours.close();
            say("taken");
            System.in.read();
            third.restore();
            say("back");
            System.in.read();
        }

        private static BooleanSupplier saying(String what) {
            return () -> {
                say(what);
                return true;
            };
        }

        /** Somebody else puts our handler back when nobody listens any more. */
        private static void putBackTooLate() throws Exception {
            Signals ours = Signals.open("USR1");
            SystemSignals.Handled other = SystemSignals.handle("USR1", saying("other"));
            ours.close();
            other.restore();
            say("ready");
            System.in.read();
        }

        private static String awaitOne(Signals signals) throws InterruptedException {
            say("ready");
            return signals.channel().receive();
        }

        private static void sayWhatIsRefused() {
            for (String name : List.of("NONE", "SIGTERM", "KILL", "QUIT", "SEGV", "TERM")) {
                try (Signals signals = Signals.open("USR2", name)) {
                    say(signals);
                } catch (IllegalArgumentException | IllegalStateException e) {
                    say(e.getMessage());
                }
            }
            try {
                Signals.open();
            } catch (IllegalArgumentException e) {
                say(e.getMessage());
            }
            say("end");
        }
    }

    private static Conversation start(String... arguments) throws IOException {
        return new Conversation(
                Program.command(List.of("--add-opens", "java.base/java.lang=ALL-UNNAMED"), Receiver.class, arguments));
    }

    private static void receivesThem(Conversation receiver) throws Exception {
        receiver.hear("Signals[USR2, USR1, WINCH, TERM], open");
        for (String signal : List.of("USR2", "WINCH", "USR1", "USR2", "TERM")) {
            receiver.signal(signal);
            receiver.hear("got " + signal);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCoroutineReceivesThemAndThenTheyAreTheJvmsAgain(EventLoop.Mechanism mechanism) throws Exception {
        try (Conversation receiver = start("loop", mechanism.name())) {
            receivesThem(receiver);
            receiver.hear("over");
            receiver.signal("TERM");
            assertThat(receiver.end()).isEqualTo(128 + 15);
        }
    }

    @Test
    void anyOtherThreadReceivesThemToo() throws Exception {
        try (Conversation receiver = start("thread")) {
            receivesThem(receiver);
            assertThat(receiver.end()).isZero();
        }
    }

    @Test
    void noneIsLostWhileTheLoopIsHeld() throws Exception {
        try (Conversation receiver = start("held")) {
            receiver.hear("held");
            for (String signal : List.of("USR2", "USR1", "USR2", "USR1", "USR2", "USR1")) {
                receiver.signal(signal);
            }
            receiver.say("");
            receiver.hear("received [USR1, USR2]");
        }
    }

    @Test
    void allWhoListenGetIt() throws Exception {
        try (Conversation receiver = start("two")) {
            receiver.hear("ready");
            receiver.signal("USR2");
            receiver.hear("one USR2");
            receiver.hear("all USR2");
            receiver.hear("again");
            receiver.signal("USR2");
            receiver.hear("all USR2");
            assertThat(receiver.end()).isZero();
        }
    }

    @Test
    void whatACoroutineHasNotClosedIsClosedWithItsLoop() throws Exception {
        try (Conversation receiver = start("unclosed")) {
            receiver.hear("ended");
            receiver.signal("TERM");
            assertThat(receiver.end()).isEqualTo(128 + 15);
        }
    }

    @Test
    void theFormerHandlerIsPutBackUnlessSomebodyElseHasTakenTheSignal() throws Exception {
        try (Conversation receiver = start("others")) {
            receiver.hear("ready");
            receiver.signal("USR1");
            receiver.hear("ours USR1");
            receiver.hear("closed");
            receiver.signal("USR1");
            receiver.hear("first");
            receiver.say("");
            receiver.hear("taken");
            receiver.signal("USR1");
            receiver.hear("third");
            receiver.say("");
            receiver.hear("back");
            receiver.signal("USR1");
            receiver.hear("first");
        }
    }

    @Test
    void whatNobodyListensToIsHandledByTheSystem() throws Exception {
        try (Conversation receiver = start("late")) {
            receiver.hear("ready");
            receiver.signal("USR1");
            assertThat(receiver.end()).isGreaterThan(128); // its number differs from system to system
        }
    }

    @Test
    void saysWhatCannotBeHad() throws Exception {
        try (Conversation receiver = start("refused")) {
            receiver.hear("end");
            assertThat(receiver.heard())
                    .containsExactly(
                            "there is no signal \"NONE\" here: names are such as TERM, HUP or USR1",
                            "there is no signal \"SIGTERM\" here: names are such as TERM, HUP or USR1",
                            "signal KILL is not to be had: the JVM or the system needs it",
                            "signal QUIT is not to be had: the JVM or the system needs it",
                            "signal SEGV is not to be had: the JVM or the system needs it",
                            "Signals[USR2, TERM], open",
                            "one signal must be named at least, none was",
                            "end");
        }
    }

    @Test
    void aJvmWithoutThemSaysWhatToDo() throws Exception {
        List<String> options = List.of("--limit-modules", "java.management,java.logging");
        try (Conversation receiver = new Conversation(Program.command(options, Receiver.class, "refused"))) {
            receiver.hear("end");
            assertThat(receiver.heard())
                    .contains("signals cannot be had here: start the JVM with --add-modules jdk.unsupported")
                    .doesNotContain("Signals[USR2, TERM], open");
        }
    }
}
