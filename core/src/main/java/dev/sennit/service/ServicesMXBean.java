package dev.sennit.service;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The {@linkplain ServiceManager service managers} of a JVM, their services and their workers, for tools outside of it,
 * such as {@code sennit ps}.
 *
 * <p>The bean is not registered beforehand. A tool that has connected to the JVM's MBean server creates it, of the
 * class {@link ServicesBean} under the name {@value #NAME}. Where the server does not know the library's class loader,
 * the library registers the bean itself within a second after the server exists, if there is a manager that has not
 * ended, under that name with {@code ,loader=} appended.
 *
 * <p>All texts pass the filter for names of tasks, which removes secrets.
 */
public interface ServicesMXBean {
    /** The object name. */
    String NAME = "dev.sennit:type=Services";

    /**
     * A manager that has not ended.
     *
     * @param name its name; several may have the same
     * @param state {@code CREATED}, {@code STARTED} or {@code STOPPING}
     * @param isUp whether all its services are up
     * @param services its services, in the order in which they were added
     */
    record ManagerNow(String name, String state, boolean isUp, List<ServiceNow> services) {}

    /**
     * A service; see {@link ServiceStatus}.
     *
     * @param name its name
     * @param wanted the number of workers that is set
     * @param ready how many are ready
     * @param generation the generation that workers are started with
     * @param isReloading whether workers are being replaced by those of another generation
     * @param isUp whether all wanted workers are ready, or have done their work
     * @param obstacle why the service is not up; null if there is no known reason
     * @param workers by number
     */
    record ServiceNow(
            String name,
            int wanted,
            int ready,
            long generation,
            boolean isReloading,
            boolean isUp,
            @Nullable String obstacle,
            List<WorkerNow> workers) {}

    /**
     * A worker; see {@link SlotStatus}.
     *
     * @param id its number
     * @param state its {@link SlotState}
     * @param stateSeconds for how long, by the wall clock
     * @param why the cause of this state
     * @param pid its process; null if none runs
     * @param generation the generation of that process; null if none runs
     * @param ageSeconds the age of that process, by the wall clock; null if none runs
     * @param heartbeatSeconds the time since its last heartbeat; null if it has given none
     * @param work the pieces of work that the process has done; null if none runs
     * @param restarts how often a process was started because another had died
     * @param replacements how often a process took the place of one that was still running
     * @param lastEnd how the last process ended; null if none has ended
     * @param isReplacing whether another process is starting to take its place
     */
    record WorkerNow(
            int id,
            String state,
            double stateSeconds,
            String why,
            @Nullable Long pid,
            @Nullable Long generation,
            @Nullable Double ageSeconds,
            @Nullable Double heartbeatSeconds,
            @Nullable Long work,
            long restarts,
            long replacements,
            @Nullable String lastEnd,
            boolean isReplacing) {}

    /**
     * Returns the managers.
     *
     * @return a snapshot of each, by name
     */
    List<ManagerNow> managers();
}
