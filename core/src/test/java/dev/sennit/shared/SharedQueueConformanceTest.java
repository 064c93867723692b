package dev.sennit.shared;

import com.google.common.collect.testing.testers.CollectionToStringTester;
import dev.sennit.BlockingQueueContract;
import dev.sennit.conformance.internal.Caller;
import java.lang.reflect.Method;
import java.util.concurrent.BlockingQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
class SharedQueueConformanceTest extends BlockingQueueContract {
    @Override
    protected BlockingQueue<String> queue(int capacity) {
        return SharedQueue.create(capacity, 1 << 16);
    }

    /** It waits in the operating system. */
    @Override
    protected void awaitWait(Caller<?> caller, String method) {
        caller.awaitInside(method);
    }

    /** Its text says how full it is, not with what. */
    @Override
    protected Method[] suppressed() {
        return Stream.of(CollectionToStringTester.class.getMethods())
                .filter(method -> method.getName().startsWith("test"))
                .toArray(Method[]::new);
    }
}
