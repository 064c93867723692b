package dev.sennit.examples.queues;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.testing.server.TestServer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A program in Python enqueues jobs by RQ, as it has always done, and a worker in Java runs them: the function has only
 * its name in Python. Needs Redis and RQ: {@code apt-get install redis-server python3-rq}.
 */
public final class JobsOfRq {
    private static final String PYTHON = "/usr/bin/python3";
    private static final String PRODUCER = """
            import sys, time
            from redis import Redis
            from rq import Queue
            from rq.serializers import JSONSerializer

            queue = Queue('images', connection=Redis.from_url(sys.argv[1]), serializer=JSONSerializer)
            job = queue.enqueue('thumbs.make', 'a.jpg', width=256)
            after = queue.enqueue('thumbs.tell', 'done', depends_on=job)
            while not after.is_finished:
                time.sleep(0.01)
            print(job.return_value(), after.return_value())
            """;

    record Photo(String path, int width) {}

    private JobsOfRq() {}

    public static void main(String[] arguments) throws Exception {
        TaskType<Photo, String> make =
                TaskType.of("thumbs.make", Photo.class, photo -> photo.path() + "." + photo.width());
        TaskType<String, String> tell = TaskType.of("thumbs.tell", String.class, text -> text.toUpperCase(Locale.ROOT));
        try (TestServer redis = TestServer.redis().open();
                Broker broker = Broker.open("rq+" + redis.uri());
                QueueWorker worker = QueueWorker.builder(broker).queues("images").types(make, tell).start()) {
            Process python = new ProcessBuilder(PYTHON, "-W", "ignore", "-c", PRODUCER, redis.uri().toString())
                    .redirectErrorStream(true).start();
            String said = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            System.out.println("Python has got: " + said);
            System.out.println("tasks in Java: " + worker.status().succeeded());
        }
    }
}
