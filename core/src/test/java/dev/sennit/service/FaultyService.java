package dev.sennit.service;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;

/** The same faults as Java services and as commands: whoever keeps them alive may not see a difference. */
enum FaultyService {
    JAVA {
        @Override
        ServiceSettings.Builder serving(String name) {
            return of(name, ServiceWorker::awaitStop);
        }

        @Override
        ServiceSettings.Builder crashing(String name) {
            return of(name, me -> {
                throw new IllegalStateException("no paper");
            });
        }

        @Override
        ServiceSettings.Builder waiting(String name, Path gate) {
            return of(name, new Waiting(gate.toString()));
        }

        @Override
        ServiceSettings.Builder stubborn(String name) {
            return of(name, new Stubborn());
        }

        @Override
        ServiceSettings.Builder flooding(String name, int lines) {
            return of(name, new Flooding(lines));
        }
    },
    COMMAND {
        @Override
        ServiceSettings.Builder serving(String name) {
            return of(name, "echo up; sleep 1000 & wait");
        }

        @Override
        ServiceSettings.Builder crashing(String name) {
            return of(name, "echo no paper >&2; exit 1");
        }

        @Override
        ServiceSettings.Builder waiting(String name, Path gate) {
            return of(name, "until [ -e '" + gate + "' ]; do sleep 0.05; done; echo up; exec sleep 1000");
        }

        @Override
        ServiceSettings.Builder stubborn(String name) {
            return of(name,
                    "trap '' TERM HUP INT; (while :; do sleep 0.1; done) & echo up; while :; do sleep 0.1; done");
        }

        @Override
        ServiceSettings.Builder flooding(String name, int lines) {
            return of(name, "yes many words | head -n " + lines + "; echo up; exec sleep 1000");
        }
    };

    /** Serves until it is asked to stop. */
    abstract ServiceSettings.Builder serving(String name);

    /** Says that there is no paper, and fails. */
    abstract ServiceSettings.Builder crashing(String name);

    /** Gets ready when there is a file. */
    abstract ServiceSettings.Builder waiting(String name, Path gate);

    /** Heeds no stop, and nothing that it starts does. */
    abstract ServiceSettings.Builder stubborn(String name);

    /** Writes "many words" so many times before it is ready. */
    abstract ServiceSettings.Builder flooding(String name, int lines);

    static ServiceSettings.Builder of(String name, Service service) {
        return SmallServices.of(name, service);
    }

    /** A shell that is ready when it says "up". */
    static ServiceSettings.Builder of(String name, String script) {
        return ServiceSettings.ofCommand(name, "sh", "-c", script)
                .readiness(new Readiness.Line(Pattern.compile("^up$")));
    }

    private record Waiting(String gate) implements Service {
        @Override
        public void initialize(ServiceWorker me) throws InterruptedException {
            while (!Files.exists(Path.of(gate)) && !me.awaitStop(Duration.ofMillis(20))) {
                // looks again
            }
        }

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            me.awaitStop();
        }
    }

    private record Stubborn() implements Service {
        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            new CountDownLatch(1).await();
        }

        @Override
        public void terminate(ServiceWorker me) {}
    }

    private record Flooding(int lines) implements Service {
        @Override
        public void initialize(ServiceWorker me) {
            for (int left = lines; left > 0; left -= 1000) {
                System.out.print("many words\n".repeat(Math.min(left, 1000)));
            }
        }

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            me.awaitStop();
        }
    }
}
