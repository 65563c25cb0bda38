<?php
// PHP's stomp extension: sends, receives, and acknowledges with a copy of the MESSAGE's headers. The address is the argument.
$options = ['accept-version' => '1.2', 'host' => '/'];
$stomp = new Stomp($argv[1], 'guest', 'guest', $options);
$queue = '/queue/php-' . getmypid();
$stomp->setReadTimeout(15);
$stomp->subscribe($queue, ['ack' => 'client-individual', 'id' => '1', 'prefetch-count' => '1']);
foreach (['first', 'second'] as $body) {
    $stomp->send($queue, $body, ['persistent' => 'true', 'receipt' => "r-$body", 'own' => 'header']) or exit('not sent');
}
foreach (['first', 'second'] as $body) {
    $frame = $stomp->readFrame();
    if (!$frame || $frame->body !== $body || $frame->headers['own'] !== 'header') {
        exit("received " . var_export($frame, true) . $stomp->error());
    }
    $stomp->ack($frame);
}
$stomp->begin('t');
$stomp->send($queue, 'third', ['transaction' => 't']);
$stomp->commit('t');
$frame = $stomp->readFrame();
if ($frame->body !== 'third') {
    exit("received " . var_export($frame, true));
}
$stomp->ack($frame);
echo "done";
