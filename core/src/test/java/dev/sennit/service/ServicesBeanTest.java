package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.Backoff;
import dev.sennit.TimeSource;
import dev.sennit.observe.NameFilter;
import dev.sennit.observe.TaskEvents;
import dev.sennit.service.ServicesMXBean.ManagerNow;
import dev.sennit.service.ServicesMXBean.ServiceNow;
import dev.sennit.service.ServicesMXBean.WorkerNow;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.management.JMX;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a tool sees that has the MBean server create the bean; with processes that the test moves. */
@Timeout(120)
class ServicesBeanTest {
    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final FakeProcesses processes = new FakeProcesses();
    private ObjectName name;
    private ServicesMXBean bean;

    @BeforeEach
    void create() throws Exception {
        name = new ObjectName(ServicesMXBean.NAME);
        server.createMBean(ServicesBean.class.getName(), name);
        bean = JMX.newMXBeanProxy(server, name, ServicesMXBean.class);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        TaskEvents.filterNames(NameFilter.DEFAULT);
        server.unregisterMBean(name);
    }

    private ServiceManager newManager() {
        return ServiceManager.forTest(
                TimeSource.system(), new Random(1), pid -> 0,
                (settings, number) -> processes.generation(number, settings));
    }

    /** Other tests leave managers of the same name behind, which have no such service. */
    private List<ManagerNow> with(String service) {
        return bean.managers().stream()
                .filter(one -> one.services().stream().anyMatch(had -> had.name().equals(service)))
                .toList();
    }

    @Test
    void managersTheirServicesAndWorkersAreTold() throws Exception {
        processes.endsWhenAsked = true;
        ServiceManager manager = newManager();
        manager.add(ServiceSettings.of("told", me -> {}).heartbeatLimit(Duration.ZERO).backoff(Backoff.none()).build());
        assertThat(with("told")).singleElement().satisfies(one -> {
            assertThat(one.name()).isEqualTo("test");
            assertThat(one.state()).isEqualTo("CREATED");
            assertThat(one.isUp()).isFalse();
            assertThat(one.services()).singleElement().matches(service -> service.workers().isEmpty());
        });
        manager.start();
        await().atMost(1, TimeUnit.MINUTES).until(() -> processes.all().size() == 1);
        processes.last().end(3);
        await().atMost(1, TimeUnit.MINUTES).until(() -> processes.all().size() == 2);
        processes.last().ready();
        manager.whenUp().get();
        processes.last().beat();
        processes.last().worked(7);
        ManagerNow seen = with("told").getFirst();
        assertThat(seen.state()).isEqualTo("STARTED");
        assertThat(seen.isUp()).isTrue();
        ServiceNow service = seen.services().getFirst();
        assertThat(service).returns(1, ServiceNow::wanted).returns(1, ServiceNow::ready)
                .returns(1L, ServiceNow::generation).returns(false, ServiceNow::isReloading)
                .returns(true, ServiceNow::isUp).returns(null, ServiceNow::obstacle);
        WorkerNow worker = service.workers().getFirst();
        assertThat(worker).returns(0, WorkerNow::id).returns("READY", WorkerNow::state)
                .returns("is ready", WorkerNow::why).returns(102L, WorkerNow::pid).returns(1L, WorkerNow::generation)
                .returns(7L, WorkerNow::work).returns(1L, WorkerNow::restarts).returns(0L, WorkerNow::replacements)
                .returns("exited with code 3", WorkerNow::lastEnd).returns(false, WorkerNow::isReplacing);
        assertThat(worker.ageSeconds()).isNotNull().isNotNegative();
        assertThat(worker.heartbeatSeconds()).isNotNull().isNotNegative();
        assertThat(worker.stateSeconds()).isNotNegative();
        manager.shutdown().get();
        assertThat(with("told")).isEmpty();
    }

    @Test
    void whatIsNotKnownIsNullAndTextsHaveNoSecrets() throws Exception {
        processes.obstacle = new IOException("no password=abc");
        ServiceManager manager = newManager();
        manager.add(ServiceSettings.of("dead", me -> {}).deaths(1, Duration.ofMinutes(1), Escalation.FAIL).build());
        manager.add(ServiceSettings.of("waits", me -> {}).after("dead").build());
        manager.start();
        await().atMost(1, TimeUnit.MINUTES)
                .until(() -> manager.status().stream().anyMatch(one -> one.state() == SlotState.FAILED));
        List<ServiceNow> services = with("dead").getFirst().services();
        WorkerNow worker = services.getFirst().workers().getFirst();
        assertThat(worker).returns("FAILED", WorkerNow::state).returns(null, WorkerNow::pid)
                .returns(null, WorkerNow::generation).returns(null, WorkerNow::ageSeconds)
                .returns(null, WorkerNow::heartbeatSeconds).returns(null, WorkerNow::work)
                .returns("cannot be started: no password=***", WorkerNow::lastEnd);
        assertThat(worker.why()).endsWith("no password=***");
        assertThat(services.getFirst().obstacle()).contains("password=***");
        assertThat(services.getLast().workers().getFirst().lastEnd()).isNull();
        TaskEvents.filterNames(text -> "hidden");
        assertThat(with("dead").getFirst().services().getFirst().workers().getFirst().why()).isEqualTo("hidden");
        manager.shutdown().get();
    }

    @Test
    void aForgottenManagerIsNotKept() throws Exception {
        for (int i = 0; i < 3; i++) {
            newManager().add(ServiceSettings.of("forgotten", me -> {}).build());
        }
        await().atMost(1, TimeUnit.MINUTES).until(() -> {
            System.gc();
            return with("forgotten").isEmpty();
        });
    }
}
