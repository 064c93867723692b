package dev.sennit.process;

import com.google.common.collect.testing.QueueTestSuiteBuilder;
import com.google.common.collect.testing.TestStringQueueGenerator;
import com.google.common.collect.testing.features.CollectionFeature;
import com.google.common.collect.testing.features.CollectionSize;
import com.google.common.collect.testing.testers.CollectionToStringTester;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Collections;
import java.util.Queue;
import java.util.stream.Stream;
import junit.framework.TestFailure;
import junit.framework.TestResult;
import junit.framework.TestSuite;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Guava's tests of what every queue and collection has to do, run one by one. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class SharedQueueConformanceTest {
    private static final class Queues extends TestStringQueueGenerator {
        @Override
        public Queue<String> create(String[] elements) {
            SharedQueue<String> queue = SharedQueue.create(100, 1 << 16);
            queue.addAll(Arrays.asList(elements));
            return queue;
        }
    }

    @TestFactory
    DynamicNode asAQueue() {
        return node(QueueTestSuiteBuilder.using(new Queues())
                .named("SharedQueue")
                .withFeatures(CollectionFeature.GENERAL_PURPOSE, CollectionFeature.KNOWN_ORDER, CollectionSize.ANY)
                .suppressing(Stream.of(CollectionToStringTester.class.getMethods()) // it says how full it is, not with what
                        .filter(method -> method.getName().startsWith("test"))
                        .toArray(Method[]::new))
                .createTestSuite());
    }

    private static DynamicNode node(junit.framework.Test test) {
        if (test instanceof TestSuite suite) {
            return DynamicContainer.dynamicContainer(
                    suite.getName(), Collections.list(suite.tests()).stream().map(SharedQueueConformanceTest::node));
        }
        return DynamicTest.dynamicTest(test.toString(), () -> {
            var result = new TestResult();
            test.run(result);
            for (TestFailure failure : Collections.list(result.failures())) {
                throw failure.thrownException();
            }
            for (TestFailure failure : Collections.list(result.errors())) {
                throw failure.thrownException();
            }
        });
    }
}
